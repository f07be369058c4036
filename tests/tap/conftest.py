"""Shared by the tests of `dbkit test`: a template with pgTAP, and small projects on disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tap_files import RunDbkit, RunFiles, Write

from dbkit.config import Config
from dbkit.postgres import Database, Recipe, Server, Step, Template
from dbkit.tap import pgtap
from dbkit.tap.collect import collect
from dbkit.tap.databases import Source, disposable
from dbkit.tap.result import FileResult
from dbkit.tap.runner import run
from dbkit.tap.worker import Engine


def _add_pgtap(conninfo: str) -> None:
    pgtap.ensure_pgtap(conninfo)


RECIPE = Recipe((Step("pgtap", pgtap.digest(), _add_pgtap),))


@pytest.fixture(scope="session")
def pgtap_template(server: Server) -> Template:
    """An empty database with pgTAP."""
    return server.template(RECIPE)


@pytest.fixture
def pgtap_db(pgtap_template: Template) -> Iterator[Database]:
    """A private clone with pgTAP."""
    with pgtap_template.clone() as clone:
        yield clone


@pytest.fixture
def connection(pgtap_db: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(pgtap_db.conninfo, autocommit=True) as connected:
        yield connected


@pytest.fixture(scope="session")
def source(config: Config) -> Iterator[Source]:
    """Clones with pgTAP on a server of their own, as `dbkit test` makes them outside a project."""
    with disposable(Config(root=config.root), RECIPE, "an empty database") as place:
        yield place


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of the test's folder."""

    def to(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return to


@pytest.fixture
def run_files(source: Source, tmp_path: Path) -> RunFiles:
    """Run files one after the other in one worker, so that what one leaves would meet the next."""

    def go(*paths: Path, engine: Engine = "auto", jobs: int = 1, **options: Any) -> list[FileResult]:
        return run(collect(paths, Config(root=tmp_path)), source, jobs=jobs, engine=engine, **options)

    return go


@pytest.fixture
def dbkit(tmp_path: Path) -> RunDbkit:
    """`dbkit …` as a process, in the test's folder."""

    def go(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dbkit", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False, **options
        )

    return go

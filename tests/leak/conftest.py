"""A clean two-tenant schema as a template, and its declaration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leak_plain import plain_sql
from leak_schema import TENANCY, execute, tenancy_file

from dbkit.cli import main
from dbkit.leak import Proof, prove
from dbkit.postgres import Database, Recipe, Server, Step, Template
from dbkit.tenancy.declaration import Declaration, parse_declaration

HERE = Path(__file__).parent


@pytest.fixture
def declaration() -> Declaration:
    return parse_declaration(TENANCY, "tenancy.toml")


@pytest.fixture(scope="session")
def clean_template(server: Server) -> Template:
    sql = (HERE / "clean.sql").read_text(encoding="utf-8")
    step = Step("leak clean", hashlib.sha256(sql.encode()).hexdigest(), lambda conninfo: execute(conninfo, sql))
    # Roles belong to the cluster, which may be a saved one that has the template already.
    return server.template(Recipe((step,)))


@pytest.fixture
def clean(clean_template: Template) -> Iterator[Database]:
    """A private copy of the clean schema."""
    with clean_template.clone() as clone:
        yield clone


@pytest.fixture(scope="session")
def plain_template(server: Server) -> Template:
    sql = plain_sql()
    step = Step("leak plain", hashlib.sha256(sql.encode()).hexdigest(), lambda conninfo: execute(conninfo, sql))
    return server.template(Recipe((step,)))


@pytest.fixture
def plain(plain_template: Template) -> Iterator[Database]:
    """A private copy of the schema with plain settings."""
    with plain_template.clone() as clone:
        yield clone


@pytest.fixture
def proven(clean: Database, declaration: Declaration) -> Callable[[str], Proof]:
    """Break the clean schema with some SQL and prove it."""

    def run(sql: str = "") -> Proof:
        if sql:
            execute(clean.conninfo, sql)
        return prove(clean.conninfo, declaration)

    return run


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command in an empty directory: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("DBKIT_DATABASE_URL", "DATABASE_URL", "PGHOST", "PGDATABASE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(["leak", *arguments])
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def tenancy(tmp_path: Path) -> Path:
    """A file that names only roles and context."""
    return tenancy_file(tmp_path, app_roles=TENANCY["app_roles"], context=TENANCY["context"])

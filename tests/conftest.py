"""Fixtures that many tests share: the project's configuration, one server a session, fresh databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbkit.config import Config, load_config
from dbkit.postgres import Database, Server, Template, open_server

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def config() -> Config:
    """This repository's own project file."""
    return load_config(REPO / "dbkit.toml")


@pytest.fixture(scope="session")
def server(config: Config) -> Iterator[Server]:
    """One disposable server for the session (for each xdist worker)."""
    with open_server(config) as running:
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """A fresh, empty database."""
    with server.database() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def core_template(config: Config, server: Server) -> Template:
    """core and rental as declared, with the production seeds."""
    from dbkit.recipe import project_recipe

    return server.template(project_recipe(config, seeds="production"))


@pytest.fixture
def core_db(core_template: Template) -> Iterator[Database]:
    """A private copy of core and rental with the production seeds."""
    with core_template.clone() as clone:
        yield clone

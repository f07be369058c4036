"""A clean two-tenant schema as a template, and its declaration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leak_schema import TENANCY, execute

from dbkit.leak import Proof, prove
from dbkit.postgres import Database, Recipe, Server, Step, Template
from dbkit.tenancy import Declaration, parse_declaration

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


@pytest.fixture
def proven(clean: Database, declaration: Declaration) -> Callable[[str], Proof]:
    """Break the clean schema with some SQL and prove it."""

    def run(sql: str = "") -> Proof:
        if sql:
            execute(clean.conninfo, sql)
        return prove(clean.conninfo, declaration)

    return run

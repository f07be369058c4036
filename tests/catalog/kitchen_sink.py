"""The SQL of a database with one of every kind of object, and how tests run it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg

from dbkit.postgres import Recipe, Server, Step, Template
from dbkit.sqltext import split

KITCHEN = Path(__file__).with_name("kitchen.sql").read_text(encoding="utf-8")


def execute(conninfo: str, sql: str) -> None:
    """Run statements one by one, each in its own transaction."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in split(sql):
            connection.execute(statement.text.encode())


def kitchen_template(server: Server) -> Template:
    """The kitchen, built once on this server."""
    digest = hashlib.sha256(KITCHEN.encode()).hexdigest()
    return server.template(Recipe((Step("kitchen", digest, lambda conninfo: execute(conninfo, KITCHEN)),)))

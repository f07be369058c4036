"""What tests of this folder do to a database."""

from __future__ import annotations

import psycopg

from dbkit.sqltext import split


def run(conninfo: str, script: str) -> None:
    """Run a script statement by statement; leaves no session, so that its statistics are in."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in split(script):
            connection.execute(statement.text)

"""Our own migrations leave nothing behind, on a used database too: what a schedule made goes with them."""

from __future__ import annotations

import subprocess
import sys

import psycopg
from psycopg.sql import SQL, Identifier

from dbkit.config import Config
from dbkit.postgres import Database

# Months of the audit log and days of the queue, each with the triggers and privileges it gets.
USE = """
select core.audit_partitions(6);
select core.ensure_job_partitions();
"""


def test_a_used_database_can_be_taken_back_to_nothing(config: Config, database: Database) -> None:
    def dbkit(*arguments: str) -> None:
        command = [sys.executable, "-m", "dbkit", *arguments, "--database", database.conninfo]
        done = subprocess.run(command, cwd=config.root, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr

    dbkit("bootstrap")
    dbkit("migrate", "apply")
    dbkit("seed", "--env", "production")
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        before = connection.execute("select count(*) from pg_inherits").fetchone()
        connection.execute(USE)
        after = connection.execute("select count(*) from pg_inherits").fetchone()
        assert before is not None and after is not None and after > before
    dbkit("migrate", "revert", "--to", "0")
    with psycopg.connect(database.conninfo) as connection:
        for schema in config.modules:
            left = connection.execute(SQL("select to_regnamespace({})").format(Identifier(schema).as_string()))
            assert left.fetchone() == (None,), schema

"""`dbkit doctor --database`: whether slow statements leave a trace."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from operators_shell import Shell

from dbkit.postgres import Database


def found(shell: Shell) -> dict[str, dict[str, Any]]:
    return {check["subject"]: check for check in shell.json("doctor")["checks"]}


@pytest.mark.parametrize(
    ("setting", "status", "detail"),
    [
        ("-1", "note", "not logged"),
        ("5000", "note", "logged from 5000 ms on only"),
        ("1000", "ok", "logged from 1000 ms on"),
        ("0", "ok", "logged from 0 ms on"),
    ],
)
def test_the_log_of_slow_statements(shell: Shell, core_db: Database, setting: str, status: str, detail: str) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
        admin.execute(f"alter database {core_db.name} set log_min_duration_statement = {setting}".encode())
    check = found(shell)["slow statements"]
    assert (check["status"], check["detail"]) == (status, detail)
    assert ("log_min_duration_statement" in (check["mend"] or "")) == (status == "note")


def test_the_statistics_of_statements(shell: Shell, core_db: Database) -> None:
    assert found(shell)["statement statistics"]["status"] == "note"
    with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
        admin.execute("create extension pg_stat_statements")
    assert found(shell)["statement statistics"]["status"] == "ok"

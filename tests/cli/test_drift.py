"""`dbkit drift` from the outside: text, JSON, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from dbkit.config import load_config
from dbkit.migrate import runner
from dbkit.postgres import Database

MIGRATION = """-- Migration: 20260101000000_create_table_goods
-- Description: the shop.
-- Author: test
-- Date: 2026-01-01
-- Dependencies: none
-- Rollback: {rollback}

-- migrate:up
create schema shop;
create table shop.goods (id integer);
{down}"""


def dbkit(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    hidden = {"DBKIT_DATABASE_URL", "DATABASE_URL", "PGDATABASE", "PGHOST", "PGSERVICE"}
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, "-m", "dbkit", "drift", *arguments],
        cwd=folder, env={**inherited, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose one table is declared and migrated alike."""
    (tmp_path / "dbkit.toml").write_text("[modules]\nshop = []\n")
    schema = tmp_path / "sql/schema/shop"
    schema.mkdir(parents=True)
    (schema / "_module.sql").write_text("create schema shop;")
    (schema / "goods.sql").write_text("create table shop.goods (id integer);")
    line = tmp_path / "sql/migrations/shop"
    line.mkdir(parents=True)
    text = MIGRATION.format(rollback="down section", down="\n-- migrate:down\ndrop schema shop cascade;\n")
    (line / "20260101000000_create_table_goods.sql").write_text(text)
    return tmp_path


def test_equal_is_said_and_exits_0(project: Path) -> None:
    done = dbkit(project, "--oracle")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "declared tree = migrations: equal, 6 objects compared",
        "up, down, up again: equal, 1 migration compared",
    ]


def test_a_difference_exits_1_and_reads_well(project: Path) -> None:
    (project / "sql/schema/shop/goods.sql").write_text("create table shop.goods (id bigint, note text);")
    done = dbkit(project)
    assert done.returncode == 1
    assert "column shop.goods.note: error: is in the declared tree but not in the migrations" in done.stdout
    assert "column shop.goods.id: error: differs between the declared tree and the migrations: type" in done.stdout
    assert "declared tree = migrations: 2 findings, 7 objects compared" in done.stdout


def test_json_has_every_part(project: Path) -> None:
    (project / "sql/schema/shop/goods.sql").write_text("create table shop.goods (id bigint);")
    done = dbkit(project, "--format", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["command"] == "drift"
    assert document["summary"]["declared tree = migrations"]["findings"] == 1
    assert document["summary"]["up, down, up again"]["checked"] == 1
    (finding,) = document["findings"]
    assert (finding["rule"], finding["object"]) == ("differs", "column shop.goods.id")
    assert finding["hint"]


def test_irreversible_migrations_are_listed(project: Path) -> None:
    file = project / "sql/migrations/shop/20260101000000_create_table_goods.sql"
    file.write_text(MIGRATION.format(rollback="irreversible: the shop stays", down=""))
    done = dbkit(project)
    assert done.returncode == 0
    assert "exempt shop/20260101000000: the shop stays" in done.stdout


def test_a_live_database_is_compared_where_one_is_given(project: Path, database: Database) -> None:
    runner.apply(database.conninfo, load_config(project / "dbkit.toml"))
    equal = dbkit(project, "--database", database.conninfo)
    assert (equal.returncode, equal.stderr) == (0, "")
    assert "database = migrations up to its ledger: equal, 6 objects compared" in equal.stdout
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("alter table shop.goods add column by_hand text")
    changed = dbkit(project, DBKIT_DATABASE_URL=database.conninfo)
    assert changed.returncode == 1
    assert "column shop.goods.by_hand: error: is in the database but not in the migrations" in changed.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shoop"], "error: unknown module: shoop"),
        (["--database", "host=/nonexistent dbname=x"], "error: cannot "),
        (["--database", ""], "error: empty database URL"),
        (["--config", "absent.toml"], "error: project file not found"),
    ],
)
def test_bad_input_exits_2_without_a_traceback(project: Path, arguments: list[str], message: str) -> None:
    done = dbkit(project, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_a_ledger_exits_2(project: Path, database: Database) -> None:
    done = dbkit(project, "--database", database.conninfo)
    assert done.returncode == 2
    assert "error: the database has no migration ledger" in done.stderr

"""Row counts decide how bad work on every row is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from databases import run

from dbkit.config import load_config
from dbkit.errors import DbkitError
from dbkit.lint.engine import lint
from dbkit.lint.sizes import Sizes, live_sizes, parse_rows
from dbkit.postgres import Database
from dbkit.report import Finding, Severity

BASE = "create schema app;\ncreate table app.orders (id bigint primary key, status text);\n"
CHANGE = (
    "set lock_timeout = '2s';\nset statement_timeout = '30s';\n"
    "create index orders_status_idx on app.orders (status);\nalter table app.orders drop column status;\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dbkit.toml").write_text("")
    (tmp_path / "base.sql").write_text(BASE)
    (tmp_path / "change").mkdir()
    (tmp_path / "change" / "001_change.sql").write_text(CHANGE)
    return tmp_path


def findings(folder: Path, sizes: Sizes | None) -> dict[str, Finding]:
    config = load_config(folder / "dbkit.toml")
    result = lint(config, [folder / "change"], history=[folder / "base.sql"], sizes=sizes, remember=False)
    return {item.rule: item for item in result.report.findings}


@pytest.mark.parametrize("sizes", [None, Sizes(), Sizes({"app.orders": 100_000_000}), Sizes({"app.other": 10})])
def test_a_large_or_unknown_table_keeps_the_severity(folder: Path, sizes: Sizes | None) -> None:
    assert findings(folder, sizes)["index_blocks_writes"].severity is Severity.ERROR


@pytest.mark.parametrize("sizes", [Sizes({"app.orders": 10}), Sizes({}, otherwise=10)])
def test_on_a_small_table_it_is_a_note_that_says_why(folder: Path, sizes: Sizes) -> None:
    found = findings(folder, sizes)
    assert found["index_blocks_writes"].severity is Severity.NOTE
    assert "app.orders has about 10 rows" in (found["index_blocks_writes"].detail or "")
    # What is bad on any table stays bad.
    assert found["drop_column"].severity is Severity.ERROR


def test_a_severity_of_the_project_is_kept(folder: Path) -> None:
    (folder / "dbkit.toml").write_text('[lint.severity]\nindex_blocks_writes = "warning"\n')
    assert findings(folder, Sizes({}, otherwise=10))["index_blocks_writes"].severity is Severity.WARNING


def test_live_counts_add_partitions_up(database: Database) -> None:
    run(
        database.conninfo,
        """
        create table public.parts (id bigint) partition by range (id);
        create table public.parts_1 partition of public.parts for values from (0) to (1000);
        create table public.parts_2 partition of public.parts for values from (1000) to (2000);
        insert into public.parts select generate_series(0, 1499);
        create table public.empty (id bigint);
        analyze public.parts;
        """,
    )
    sizes = live_sizes(database.conninfo)
    assert [sizes.of(name) for name in ("parts", "public.parts_1", "empty", "unknown")] == [1500, 1000, 0, None]


def test_rows_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"app.orders": 7}')
    sizes = parse_rows(["100", "lines=5", str(tmp_path / "rows.json")], Sizes({"app.orders": 1, "app.kept": 2}))
    assert [sizes.of(name) for name in ("public.lines", "app.orders", "app.kept", "other", None)] == [5, 7, 2, 100, 100]
    (tmp_path / "bad.json").write_text("[1]")
    for bad in ("many", "app.orders=many", str(tmp_path / "bad.json")):
        with pytest.raises(DbkitError):
            parse_rows([bad])


def dbkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dbkit", "lint", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_judges_databases_and_files(folder: Path, database: Database) -> None:
    run(database.conninfo, BASE + "create table app.nameless (id bigint);")
    live = ("--database", database.conninfo)
    asked = dbkit(folder, *live)
    assert asked.returncode == 1
    assert (
        "app.nameless: warning: table app.nameless has no primary key [table_without_primary_key C069]" in asked.stdout
    )
    for output_format in ("json", "sarif", "gitlab", "github", "junit"):
        told = dbkit(folder, *live, "--format", output_format)
        assert told.returncode == 1 and "table_without_primary_key" in told.stdout
    files = ("change", "--history", "base.sql")
    assert "error: index orders_status_idx" in dbkit(folder, *files).stdout
    assert "note: index orders_status_idx" in dbkit(folder, *files, *live).stdout
    assert "note: index orders_status_idx" in dbkit(folder, *files, "--rows", "10").stdout
    assert dbkit(folder, "--explain", "unused_index").stdout.startswith("# unused_index in a live database")


def test_a_database_that_cannot_be_reached_is_said_so(folder: Path) -> None:
    told = dbkit(folder, "--database", "postgresql://u:secret@127.0.0.1:1/x")
    assert told.returncode == 2 and told.stderr.startswith("error:") and "secret" not in told.stderr


def test_findings_of_a_database_go_into_a_baseline(folder: Path, database: Database) -> None:
    run(database.conninfo, "create table public.nameless (id bigint);")
    live = ("--database", database.conninfo)
    assert dbkit(folder, *live, "--write-baseline", "known.json").returncode == 0
    assert dbkit(folder, *live, "--baseline", "known.json").returncode == 0
    run(database.conninfo, "create table public.another (id bigint);")
    later = dbkit(folder, *live, "--baseline", "known.json")
    assert later.returncode == 1 and "public.another" in later.stdout and "public.nameless" not in later.stdout

"""`migrate plan --trace`: what statements do to tables with rows, seen on a disposable database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from dbkit.config import Config, MigrationsConfig
from dbkit.errors import DbkitError
from dbkit.lint.locks import Lock
from dbkit.lint.sizes import Sizes
from dbkit.migrate import runner
from dbkit.migrate.trace import Trace, Traced, trace
from dbkit.migrate.trace_report import report_of
from dbkit.postgres import Database

BASE = r"""
create schema app;
create domain app.email as text check (value ~ '^[a-z0-9]+@example\.com$');
create type app.size as enum ('s', 'l');
create table app.tenants (id uuid primary key, name varchar(40) not null check (length(name) between 3 and 30));
create table app.orders (
    tenant_id uuid not null references app.tenants,
    id bigint generated always as identity,
    status text not null check (status in ('open', 'paid')),
    email app.email not null,
    size app.size not null,
    total numeric(10, 2) not null check (total > 5 and total < 1000),
    at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create table app.lines (
    id bigint primary key,
    tenant_id uuid not null,
    order_id bigint not null,
    qty integer not null,
    foreign key (tenant_id, order_id) references app.orders
);
create table app.impossible (a integer not null check (a > 1 and a < 1));
"""


@pytest.fixture
def line(tmp_path: Path) -> Config:
    """A project of one line of plain files, whose first makes tables."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_base.sql").write_text(BASE)
    return Config(root=tmp_path, migrations=MigrationsConfig(dir="migrations"))


def dbkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dbkit", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def traced(line: Config, text: str, *, name: str = "002_change.sql", rows: int = 3000) -> list[Traced]:
    return whole(line, text, name=name, rows=rows).statements[
        -len([part for part in text.split(";") if part.strip()]) :
    ]


def whole(line: Config, text: str, *, name: str = "002_change.sql", rows: int = 3000) -> Trace:
    (line.root / "migrations" / name).write_text(text)
    return trace(line, wanted=Sizes({}, otherwise=rows))


def test_rows_keep_every_constraint(line: Config) -> None:
    found = whole(line, "select 1;")
    assert found.filled.rows == {"app.tenants": 3000, "app.orders": 3000, "app.lines": 3000, "app.impossible": 0}
    assert set(found.filled.refused) == {"app.impossible"}
    # References hold too: foreign keys added anew over the made rows are found valid.
    (again,) = traced(
        line, "alter table app.lines add constraint again foreign key (tenant_id, order_id) references app.orders;"
    )
    assert again.effects.scans["app.lines"] == 3000


def test_locks_rewrites_scans_and_builds(line: Config) -> None:
    added, widened, checked, built, emptied, other = traced(
        line,
        "alter table app.orders add column note text;"
        "alter table app.lines alter column qty type bigint;"
        "alter table app.tenants add constraint named check (name <> '');"
        "create index orders_status_idx on app.orders (status);"
        "truncate app.impossible;"
        "create table app.new (id bigint primary key);",
    )
    assert added.effects.locks == {"app.orders": Lock.ACCESS_EXCLUSIVE} and not added.effects.work
    assert widened.effects.rewrites == ("app.lines",) and widened.effects.work == {"rewrite"}
    assert checked.effects.scans == {"app.tenants": 3000} and checked.effects.work == {"scan"}
    assert built.effects.builds == {"app.orders": ("orders_status_idx",)}
    assert built.effects.locks == {"app.orders": Lock.SHARE}
    assert built.effects.held["app.orders"] is Lock.ACCESS_EXCLUSIVE
    assert emptied.effects.emptied == ("app.impossible",) and not emptied.effects.work
    assert not other.effects.locks and not other.effects.work
    assert widened.rows["app.lines"] == 3000


@pytest.mark.parametrize(
    "statement, lock",
    [
        ("create index concurrently orders_at_idx on app.orders (at)", Lock.SHARE_UPDATE_EXCLUSIVE),
        ("vacuum app.orders", Lock.SHARE_UPDATE_EXCLUSIVE),
        ("vacuum full app.orders", Lock.ACCESS_EXCLUSIVE),
    ],
)
def test_statements_that_refuse_a_transaction(line: Config, statement: str, lock: Lock) -> None:
    (seen,) = traced(line, f"{statement};")
    assert seen.effects.locks["app.orders"] is lock
    assert (
        seen.effects.work
        == {"create": {"build"}, "vacuum": {"rewrite"} if "full" in statement else set()}[statement.split()[0]]
    )


def test_the_linters_findings_are_confirmed_or_not(line: Config) -> None:
    found = whole(
        line,
        "set lock_timeout = '2s'; set statement_timeout = '1min';\n"
        "create index orders_status_idx on app.orders (status);\n"
        "alter table app.lines add column extra bigint default (random() * 10);\n",
    )
    report = report_of(line, found, live=None)
    details = {finding.rule: finding.detail or "" for finding in report.findings}
    assert "Confirmed by the trace: it indexes every row of app.orders under SHARE" in details["index_blocks_writes"]
    assert "Confirmed by the trace: it rewrites every row of app.lines" in details["add_column_volatile_default"]
    assert "lock_fact_differs" not in details


def test_a_header_is_held_against_the_trace(tmp_path: Path) -> None:
    folder = tmp_path / "migrations" / "clinic"
    folder.mkdir(parents=True)
    header = (
        "-- Migration: x\n-- Description: x\n-- Author: a\n-- Date: 2026-01-0{day}\n-- Dependencies: none\n"
        "-- Rollback: irreversible: a test\n{locks}\n-- migrate:up\n{sql}\n"
    )
    config = Config(root=tmp_path, migrations=MigrationsConfig(dir="migrations", role="postgres"))

    def rules(locks: str) -> list[str]:
        for day, (line, sql) in enumerate(
            [("", "create schema app; create table app.a (id bigint primary key, b text);"),
             (locks, "create index on app.a (b);")], start=1,
        ):  # fmt: skip
            text = header.format(day=day, locks=line, sql=sql)
            (folder / f"2026010{day}000000_create_table_x.sql").write_text(text)
        found = trace(config, wanted=Sizes())
        return [f"{finding.rule} {finding.message}" for finding in found.findings]

    assert rules("-- Locks: SHARE on app.a for the build") == []
    assert rules("") == []
    assert rules("-- Locks: none") == [
        "locks_header_differs the Locks header of clinic/20260102000000 leaves out SHARE on app.a"
    ]


def test_what_the_database_has_is_history(line: Config, database: Database) -> None:
    runner.apply(database.conninfo, line)
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute(
            "insert into app.tenants select gen_random_uuid(), 'tenant ' || n from generate_series(1, 200) n"
        )
        connection.execute("analyze app.tenants")
    (line.root / "dbkit.toml").write_text('[migrations]\ndir = "migrations"\n')
    (line.root / "migrations" / "002_change.sql").write_text("alter table app.tenants add check (name <> 'x');")
    told = dbkit(line.root, "migrate", "plan", "--trace", "--database", database.conninfo, "--format", "json")
    document = json.loads(told.stdout)
    assert [item["version"] for item in document["summary"]["pending"]] == ["002_change"]
    (statement,) = document["summary"]["statements"]
    assert statement["scans"] == {"app.tenants": 200} and statement["locks"] == {"app.tenants": "ACCESS EXCLUSIVE"}
    assert statement["duration"] == "grows with rows"
    text = dbkit(line.root, "migrate", "plan", "--trace", "--database", database.conninfo).stdout
    assert "reads every row of app.tenants (200 here)" in text
    with psycopg.connect(database.conninfo) as connection:  # nothing happened there
        row = connection.execute(
            "select count(*) from pg_constraint where conrelid = 'app.tenants'::regclass and contype = 'c'"
        )
        assert row.fetchone() == (1,)


def test_a_failing_statement_names_its_line(line: Config) -> None:
    with pytest.raises(DbkitError) as caught:
        whole(line, "select 1;\nalter table app.missing add column a int;")
    assert '002_change.sql:2: relation "app.missing" does not exist (42P01)' in (caught.value.detail or "")

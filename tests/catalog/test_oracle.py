"""pg_dump as second opinion: it sees what a snapshot was not taught, and no order of columns."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from kitchen_sink import execute

from dbkit import drift, dump
from dbkit.catalog import Snapshot, snapshot
from dbkit.errors import DbkitError
from dbkit.postgres import Server, Template


@pytest.fixture(scope="session")
def pg_dump(server: Server) -> Path:
    assert server.bin_dir is not None
    return server.bin_dir / "pg_dump"


# One kind of object each, the part of a snapshot that holds it, and what is done to the second database.
KINDS = [
    ("statistics", "drop statistics app.things_stats", "CREATE STATISTICS app.things_stats"),
    ("others", "drop publication kitchen_feed", "CREATE PUBLICATION kitchen_feed WITH"),
    ("default_privileges", "alter default privileges in schema app revoke select on tables from kitchen_app",
     "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA app GRANT SELECT"),
    ("sequences", "alter sequence app.numbers cycle", "CREATE SEQUENCE app.numbers"),
    ("domains", "alter domain app.email set not null", "CREATE DOMAIN app.email"),
    ("views", "alter view app.open_things reset (security_invoker)", "CREATE VIEW app.open_things WITH"),
    ("functions", "alter function app.tenant() leakproof", "CREATE FUNCTION app.tenant"),
    ("types", "alter type app.state add value 'lost'", "CREATE TYPE app.state"),
    ("extensions", "create extension pg_trgm", "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "change", "subject"), KINDS, ids=[part for part, _, _ in KINDS])
def test_a_kind_the_snapshot_forgets_is_caught(
    kitchen: Template, before: Snapshot, pg_dump: Path, part: str, change: str, subject: str
) -> None:
    def forgetful(taken: Snapshot) -> Snapshot:
        return dataclasses.replace(taken, **{part: {}})

    with kitchen.clone() as original, kitchen.clone() as changed:
        execute(changed.conninfo, change)
        after = snapshot(changed.conninfo)
        assert drift.compare(before, after), "a whole snapshot sees it"
        assert drift.compare(forgetful(before), forgetful(after)) == [], "a forgetful one does not"
        findings = dump.compare_dumps(original.conninfo, changed.conninfo, pg_dump, left="one", right="two")
    assert {finding.rule for finding in findings} == {"dump_differs"}
    assert [finding for finding in findings if (finding.object or "").startswith(subject)], findings


def test_column_order_is_not_schema_for_either(server: Server, pg_dump: Path) -> None:
    shared = "create statistics public.s on a, b from public.t; create publication p for table public.t (a, b)"
    with server.database() as one, server.database() as two:
        execute(one.conninfo, "create table public.t (a integer not null, b text default 'x, y', check (a > 0))")
        execute(two.conninfo, "create table public.t (b text default 'x, y', c integer)")
        execute(two.conninfo, "alter table public.t add column a integer not null check (a > 0), drop column c")
        for database in (one, two):
            execute(database.conninfo, shared)
        assert drift.compare(snapshot(one.conninfo), snapshot(two.conninfo)) == []
        assert dump.compare_dumps(one.conninfo, two.conninfo, pg_dump) == []


def test_the_ledger_and_test_helpers_are_left_out(server: Server, pg_dump: Path) -> None:
    with server.database() as one, server.database() as two:
        execute(two.conninfo, "create schema dbkit; create table dbkit.migrations (); create schema tests")
        assert dump.compare_dumps(one.conninfo, two.conninfo, pg_dump) == []
        assert dump.compare_dumps(one.conninfo, two.conninfo, pg_dump, exclude=())


def test_a_changed_statement_shows_both_texts(kitchen: Template, pg_dump: Path) -> None:
    with kitchen.clone() as one, kitchen.clone() as two:
        execute(two.conninfo, "alter table app.things alter column note type varchar(21)")
        (finding,) = dump.compare_dumps(one.conninfo, two.conninfo, pg_dump, left="A", right="B")
    assert finding.object == "CREATE TABLE app.things"
    assert "-    note character varying(20)" in (finding.detail or "")
    assert "+    note character varying(21)" in (finding.detail or "")


def test_pg_dump_that_cannot_run_is_an_error(server: Server) -> None:
    with pytest.raises(DbkitError) as missing:
        dump.dump(server.conninfo(), Path("/nowhere/pg_dump"))
    assert missing.value.message == "cannot run pg_dump"


def test_pg_dump_that_fails_is_an_error(server: Server, pg_dump: Path) -> None:
    with pytest.raises(DbkitError) as failed:
        dump.dump(server.conninfo("no_such_database"), pg_dump)
    assert failed.value.message == "pg_dump failed"
    assert "no_such_database" in (failed.value.detail or "")


def test_a_password_does_not_reach_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def run(command: list[str], **options: object) -> object:
        seen.update(command=command, environment=options.get("env") or {})
        return type("Done", (), {"returncode": 0, "stdout": "", "stderr": ""})()

    monkeypatch.setattr(dump.subprocess, "run", run)
    dump.dump("postgresql://u:sesame@example.test/x", Path("pg_dump"))
    assert "sesame" not in " ".join(seen["command"])
    assert seen["environment"]["PGPASSWORD"] == "sesame"

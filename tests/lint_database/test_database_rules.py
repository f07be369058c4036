"""Every database rule against a database that has the defect and one that has not, on a real server."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from databases import run

from dbkit.config import Config, load_config
from dbkit.lint.database import idle_in_transaction
from dbkit.lint.live import judge, lint_database, load_database_rules
from dbkit.lint.live_facts import Live, read_live
from dbkit.lint.render import SECTIONS
from dbkit.lint.settings import load_settings
from dbkit.lint.tenants import load_tenants
from dbkit.postgres import Database, Server
from dbkit.postgres.local import LocalServer
from dbkit.report import Finding, Severity

CASES = Path(__file__).parent
# Shown by tests of their own: they are about sessions, slots, rights and the server.
ELSEWHERE = {"idle_in_transaction", "replication_slot_behind", "setting_loses_data", "not_readable"}
# The disposable server keeps nothing, on purpose.
OF_THE_SERVER = {"fsync", "full_page_writes", "synchronous_commit", "autovacuum"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A project that declares nothing; every rule runs."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "dbkit.toml").write_text('[lint]\nprofile = "strict"\n')
    return load_config(folder / "dbkit.toml")


def found(config: Config, conninfo: str) -> list[Finding]:
    return [item for item in lint_database(config, conninfo).report.findings if item.object not in OF_THE_SERVER]


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CASES.glob("*/bad.sql")))
def test_bad_has_exactly_the_named_findings(name: str, plain: Config, database: Database) -> None:
    script = (CASES / name / "bad.sql").read_text()
    expected = sorted(re.findall(r"^-- finding: (.+)$", script, re.MULTILINE))
    assert expected
    run(database.conninfo, script)
    assert sorted(item.object or "" for item in found(plain, database.conninfo) if item.rule == name) == expected


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CASES.glob("*/good.sql")))
def test_good_has_no_finding(name: str, plain: Config, database: Database) -> None:
    run(database.conninfo, (CASES / name / "good.sql").read_text())
    assert [item.message for item in found(plain, database.conninfo) if item.rule == name] == []


def test_every_rule_has_both_cases_and_every_section() -> None:
    rules = load_database_rules()
    assert {path.parent.name for path in CASES.glob("*/bad.sql")} | ELSEWHERE == set(rules)
    assert {path.parent.name for path in CASES.glob("*/good.sql")} | ELSEWHERE == set(rules)
    for name, item in rules.items():
        assert re.findall(r"^## (.+)$", item.doc, re.MULTILINE) == list(SECTIONS), name


def test_a_failed_concurrent_build_is_an_invalid_index(plain: Config, database: Database) -> None:
    run(database.conninfo, "create table public.users (id bigint primary key, email text);"
        " insert into public.users values (1, 'a'), (2, 'a');")  # fmt: skip
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(database.conninfo, "create unique index concurrently users_email_key on public.users (email)")
    findings = [item for item in found(plain, database.conninfo) if item.rule == "invalid_index"]
    assert [(item.object, item.severity) for item in findings] == [("public.users_email_key", Severity.ERROR)]
    run(database.conninfo, "drop index public.users_email_key")
    assert not [item for item in found(plain, database.conninfo) if item.rule == "invalid_index"]


def test_a_session_idle_in_a_transaction(plain: Config, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def messages() -> list[str]:
        return [item.message for item in found(plain, database.conninfo) if item.rule == "idle_in_transaction"]

    with psycopg.connect(database.conninfo) as holder:
        holder.execute("select 1")
        assert messages() == []  # not for long enough
        monkeypatch.setattr(idle_in_transaction, "LONGEST", 0)
        assert messages() == ["a session of postgres is idle in a transaction"]
        holder.rollback()
        assert messages() == []


def test_replication_slots(plain: Config, durable_server: LocalServer) -> None:
    with durable_server.database() as database, psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute("select pg_create_physical_replication_slot('reserved', true)")
        connection.execute("select pg_create_physical_replication_slot('new')")
        connection.execute("select pg_create_logical_replication_slot('warehouse', 'test_decoding')")
        findings = [item for item in found(plain, database.conninfo) if item.rule == "replication_slot_behind"]
        assert sorted((item.object, item.severity) for item in findings) == [
            ("reserved", Severity.WARNING),
            ("warehouse", Severity.WARNING),
        ]
        for name in ("reserved", "new", "warehouse"):
            connection.execute("select pg_drop_replication_slot(%s)", (name,))
        assert "replication_slot_behind" not in {item.rule for item in found(plain, database.conninfo)}


def test_settings_of_the_server(plain: Config, database: Database, durable_server: LocalServer) -> None:
    def objects(conninfo: str) -> set[str | None]:
        findings = lint_database(plain, conninfo).report.findings
        return {item.object for item in findings if item.rule in ("setting_loses_data", "autovacuum_off")}

    assert objects(database.conninfo) == OF_THE_SERVER
    with durable_server.database() as kept:
        assert objects(kept.conninfo) == set()
        run(kept.conninfo, f'alter database "{kept.name}" set synchronous_commit = off')
        assert objects(kept.conninfo) == {"synchronous_commit"}


def test_what_an_ordinary_login_may_not_read_is_named(plain: Config, database: Database, server: Server) -> None:
    run(
        database.conninfo,
        """
        create schema app;
        create table app.events (id serial primary key, payload text);
        select setval('app.events_id_seq', 2000000000);
        insert into app.events select n, repeat('x', 200) from generate_series(1, 60000) n;
        analyze app.events;
        create role lint_reader login;
        """,
    )
    reader = server.conninfo(database.name, "lint_reader")
    with psycopg.connect(database.conninfo):
        before = lint_database(plain, reader).report
    named = [item.message for item in before.findings if item.rule == "not_readable"]
    assert [message.partition(" (")[0] for message in named] == [
        "not read: the last value of 1 sequence",
        "not read: the column statistics of 1 table",
        "not read: the state of 1 session",
    ]
    assert len(before.summary["not_read"]) == 3
    assert "sequence_near_end" not in {item.rule for item in before.findings}
    run(
        database.conninfo,
        "grant usage on schema app to lint_reader; grant pg_read_all_data, pg_read_all_stats to lint_reader",
    )
    after = {item.rule for item in lint_database(plain, reader).report.findings}
    assert "sequence_near_end" in after and "not_readable" not in after


def test_nothing_is_written(plain: Config, database: Database) -> None:
    run(database.conninfo, f'alter database "{database.name}" set default_transaction_read_only = on')
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        before = connection.execute("select pg_current_xact_id_if_assigned(), pg_snapshot_xmax(pg_current_snapshot())")
        started = before.fetchone()
        lint_database(plain, database.conninfo)
        after = connection.execute("select pg_current_xact_id_if_assigned(), pg_snapshot_xmax(pg_current_snapshot())")
        assert after.fetchone() == started


@pytest.fixture
def live(plain: Config, database: Database) -> Live:
    run(
        database.conninfo,
        """
        create schema app;
        create table app.orders (id bigint primary key, note text);
        insert into app.orders select n, 'note ' || n from generate_series(1, 40000) n;
        create index orders_note_idx on app.orders (note);
        select count(*) from app.orders;
        """,
    )
    return read_live(database.conninfo, load_tenants(plain))


def severities(live: Live, config: Config, rule: str) -> list[Severity]:
    return [item.severity for item in judge(live, settings_of(config)) if item.rule == rule]


def settings_of(config: Config):  # type: ignore[no-untyped-def]
    return load_settings(config, known={name: item.rule for name, item in load_database_rules().items()})


def test_an_unused_index_is_a_note_until_the_statistics_are_old(live: Live, plain: Config) -> None:
    assert severities(live, plain, "unused_index") == [Severity.NOTE]
    assert severities(replace(live, stats_age=40 * 86400), plain, "unused_index") == [Severity.WARNING]


def test_wraparound_counts_multixacts_databases_and_alarms(live: Live, plain: Config) -> None:
    assert severities(live, plain, "wraparound_near") == []
    use = replace(live.tables["app.orders"], multixact_age=1_700_000_000)
    aged = replace(live, tables={**live.tables, "app.orders": use})
    assert severities(aged, plain, "wraparound_near") == [Severity.ERROR]
    other = {**live.databases[0], "xid_age": 300_000_000}
    assert severities(replace(live, databases=(other,)), plain, "wraparound_near") == [Severity.WARNING]


def test_ignored_and_softened_by_the_project(live: Live, tmp_path: Path) -> None:
    (tmp_path / "dbkit.toml").write_text(
        '[lint]\nignore = ["setting_loses_data"]\nseverity = { unused_index = "error" }\n'
    )
    config = load_config(tmp_path / "dbkit.toml")
    findings = judge(live, settings_of(config))
    assert "setting_loses_data" not in {item.rule for item in findings}
    assert [item.severity for item in findings if item.rule == "unused_index"] == [Severity.ERROR]

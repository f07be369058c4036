"""The schedule given to a real pg_cron: what is registered, that it runs, and that nothing of others is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from cronsim import CronSim
from operators_shell import Shell

from dbkit.config import Config
from dbkit.ops import cron
from dbkit.postgres.local import LocalServer

REGISTERED = "select jobname, schedule, command, username, active from cron.job order by jobname"
NEXT_MINUTE_SECONDS = 150


@pytest.fixture(scope="module")
def admin(busy_server: LocalServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(busy_server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("create extension if not exists pg_cron")
        connection.execute("grant usage on schema cron to dbkit_migrator")
        yield connection


@pytest.fixture
def migrator(busy_server: LocalServer, admin: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """The login that migrates, no superuser, with nothing registered."""
    url = busy_server.conninfo("postgres", user="dbkit_migrator")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
        connection.execute("select cron.unschedule(jobid) from cron.job")


def actions(connection: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(cron.sync(connection))


def registered(admin: psycopg.Connection[Any]) -> dict[str, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in admin.execute(REGISTERED)}


def test_sync_registers_what_is_installed_and_names_what_is_missing(
    admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any]
) -> None:
    admin.execute("select core.put_cron_job('absent', '* * * * *', 'select core.no_such_function()', 'core')")
    first = actions(migrator)
    assert first["evaluate-alerts"] == "registered"
    assert first["absent"] == "missing core.no_such_function"
    assert registered(admin)["dbkit:evaluate-alerts"] == (
        "* * * * *", "select core.run_cron('evaluate-alerts')", "dbkit_migrator", True,
    )  # fmt: skip
    assert "dbkit:absent" not in registered(admin)
    before = registered(admin)
    again = actions(migrator)
    assert {name for name, action in first.items() if action == "registered"} == {
        name for name, action in again.items() if action == "unchanged"
    }
    assert again["absent"] == "missing core.no_such_function"
    assert registered(admin) == before
    admin.execute("delete from core.cron_jobs where name = 'absent'")


def test_sync_removes_strays_and_leaves_the_jobs_of_others_alone(
    admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any]
) -> None:
    migrator.execute("select cron.schedule('dbkit:forgotten', '* * * * *', 'select 1')")
    migrator.execute("select cron.schedule('nightly-report', '0 1 * * *', 'select 1')")
    admin.execute("select cron.schedule('dbkit:of-the-dba', '0 1 * * *', 'select 1')")
    try:
        assert actions(migrator)["forgotten"] == "removed"
        assert {"nightly-report", "dbkit:of-the-dba"} <= set(registered(admin))
        assert "dbkit:forgotten" not in registered(admin)
    finally:
        admin.execute("select cron.unschedule('dbkit:of-the-dba')")


def test_sync_follows_the_schedule_the_switch_and_what_somebody_did_by_hand(
    admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any]
) -> None:
    actions(migrator)
    admin.execute("update core.cron_jobs set schedule = '7 7 * * *' where name = 'apply-retention'")
    admin.execute("update core.cron_jobs set is_enabled = false where name = 'check-connections'")
    admin.execute("update cron.job set active = false where jobname = 'dbkit:evaluate-alerts'")
    try:
        second = actions(migrator)
        assert second["apply-retention"] == "updated"
        assert second["check-connections"] == "disabled"
        assert second["evaluate-alerts"] == "updated"
        now = registered(admin)
        assert now["dbkit:apply-retention"][0] == "7 7 * * *"
        assert "dbkit:check-connections" not in now
        assert now["dbkit:evaluate-alerts"][3] is True
    finally:
        admin.execute("update core.cron_jobs set schedule = '27 3 * * *' where name = 'apply-retention'")
        admin.execute("update core.cron_jobs set is_enabled = true where name = 'check-connections'")
    assert actions(migrator)["check-connections"] == "registered"


def test_a_bare_job_is_registered_as_it_is(admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any]) -> None:
    admin.execute(
        "select core.put_cron_job('vacuum-users', '0 5 * * *', 'vacuum (analyze) core.users', 'core', '', 'bare')"
    )
    assert actions(migrator)["vacuum-users"] == "registered"
    assert registered(admin)["dbkit:vacuum-users"][1] == "vacuum (analyze) core.users"
    admin.execute("delete from core.cron_jobs where name = 'vacuum-users'")
    assert actions(migrator)["vacuum-users"] == "removed"


def test_a_login_that_may_not_use_pg_cron_is_told_what_to_grant(
    config: Config, busy_server: LocalServer, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("revoke usage on schema cron from dbkit_migrator")
    try:
        done = Shell(config, busy_server.conninfo("postgres", user="dbkit_migrator"))("cron", "sync")
    finally:
        admin.execute("grant usage on schema cron to dbkit_migrator")
    assert done.returncode == 2
    assert done.stderr.startswith("error: pg_cron cannot be used\n")
    assert "grant usage on schema cron to dbkit_migrator" in done.stderr


def test_a_job_runs_under_pg_cron_and_is_logged(
    admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any]
) -> None:
    admin.execute("delete from core.cron_runs")
    assert actions(migrator)["evaluate-alerts"] == "registered"
    give_up = time.monotonic() + NEXT_MINUTE_SECONDS
    while time.monotonic() < give_up:
        row = admin.execute("select ok, message from core.cron_runs where name = 'evaluate-alerts'").fetchone()
        if row is not None:
            break
        time.sleep(0.5)
    else:
        details = admin.execute("select status, return_message from cron.job_run_details").fetchall()
        pytest.fail(f"pg_cron ran nothing: {details}")
    assert row[0] is True, row


NEVER = "0 0 30 2 *"
SCHEDULES = [
    "* * * * *",
    "*/5 * * * *",
    "0 0 * * 0",
    "0 0 * * 7",
    "0 0 1,15 * *",
    "0-30/10 9-17 * * mon-fri",
    "0 0 1 jan,jul *",
    "59 23 31 12 6",
    "5-5 * * * *",
    "0 0 * * sun",
    "0 0 * jan-mar *",
    "00 07 * * *",
    "*/90 * * * *",
    "0 0 30 2 *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 0 *",
    "* * * 13 *",
    "* * * * 8",
    "* * * *",
    "* * * * * *",
    "",
    "a * * * *",
    "* * * foo *",
    "* * * * foo",
    "5/10 * * * *",
    "*/0 * * * *",
    "5-1 * * * *",
    ", * * * *",
    "1, * * * *",
    "-1 * * * *",
    "1- * * * *",
    "* * * * jan",
    "* * * mon *",
    "1.5 * * * *",
    "@daily",
    "mon * * * *",
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_what_the_table_accepts_pg_cron_and_we_can_read(
    admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any], schedule: str
) -> None:
    """pg_cron takes more: a sixth field, 5-1, 1.5."""
    row = admin.execute("select core.is_cron_schedule(%s)", (schedule,)).fetchone()
    try:
        migrator.execute("select cron.schedule('tried', %s, 'select 1')", (schedule,))
        theirs = True
    except psycopg.Error:
        theirs = False
    assert row is not None
    assert theirs or not row[0]
    if row[0] and schedule != NEVER:
        slots = CronSim(schedule, datetime.now(UTC))
        assert next(slots) < next(slots)

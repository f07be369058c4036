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


def test_what_runs_under_pg_cron_is_logged_whatever_it_is_and_however_it_ends(
    admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any]
) -> None:
    """A job of run_mode sql logs itself; what cannot is brought in from pg_cron's own log."""
    admin.execute("delete from core.cron_runs; delete from cron.job_run_details")
    for name, command, mode in (
        ("vacuum-users", "vacuum (analyze) core.users", "bare"),
        ("vacuum-gone", "vacuum core.gone", "bare"),
        ("function-gone", "select core.gone_too()", "sql"),
    ):
        admin.execute("select core.put_cron_job(%s, '* * * * *', %s, 'core', '', %s)", (name, command, mode))
    admin.execute("create table core.gone (); create function core.gone_too() returns void language sql as ''")
    try:
        registered_now = actions(migrator)
        admin.execute("drop table core.gone; drop function core.gone_too()")
        expected = {"vacuum-users", "vacuum-gone", "function-gone", "evaluate-alerts", "cron_log"}
        assert {registered_now[name] for name in expected} == {"registered"}
        runs = first_runs(admin, migrator, {"vacuum-users", "vacuum-gone", "function-gone", "evaluate-alerts"})
        assert runs["evaluate-alerts"][:2] == (True, False)
        assert runs["vacuum-users"][:2] == (True, True)
        assert runs["vacuum-gone"] == (False, True, 'ERROR: relation "core.gone" does not exist')
        assert runs["function-gone"][:2] == (False, True)
        assert "unavailable" in runs["function-gone"][2]
        assert scalar(admin, "select core.probe_cron_failures(1)") == 2
        # Nothing is brought in twice, and what the job of the schedule has to do it did.
        before = scalar(admin, "select count(*) from core.cron_runs where pg_cron_runid is not null")
        assert scalar(admin, "select count(distinct pg_cron_runid) from core.cron_runs") == before
        collected = "select count(*) from cron.job_run_details where command = 'select core.collect_cron_log()'"
        wait_for(admin, f"{collected} and status = 'succeeded'")
    finally:
        admin.execute("delete from core.cron_jobs where name in ('vacuum-users', 'vacuum-gone', 'function-gone')")


def test_pg_cron_s_log_of_our_runs_is_forgotten_after_a_day(
    admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any]
) -> None:
    actions(migrator)
    migrator.execute("select cron.schedule('nightly-report', '0 1 * * *', 'select 1')")
    admin.execute("delete from cron.job_run_details")
    admin.execute("""
        insert into cron.job_run_details (jobid, database, username, command, status, start_time, end_time)
        select j.jobid, j.database, j.username, j.command, 'succeeded', ran_at, ran_at
          from cron.job as j, unnest(array[now() - interval '25 hours', now() - interval '23 hours']) as ran_at
         where j.jobname in ('dbkit:evaluate-alerts', 'nightly-report')
    """)
    migrator.execute("select core.collect_cron_log()")
    left = admin.execute("""
        select j.jobname, now() - d.start_time > interval '1 day'
          from cron.job_run_details as d join cron.job as j using (jobid)
         where d.start_time < now() - interval '1 hour'
         order by 1, 2
    """).fetchall()
    assert left == [("dbkit:evaluate-alerts", False), ("nightly-report", False), ("nightly-report", True)]


def first_runs(
    admin: psycopg.Connection[Any], migrator: psycopg.Connection[Any], names: set[str]
) -> dict[str, tuple[bool, bool, str]]:
    """Each job's first logged run: whether it went well, whether only pg_cron logged it, and what it said."""
    give_up = time.monotonic() + NEXT_MINUTE_SECONDS
    while time.monotonic() < give_up:
        migrator.execute("select core.collect_cron_log()")
        rows = admin.execute("""
            select distinct on (name) name, ok, pg_cron_runid is not null, message from core.cron_runs
             where finished_at is not null order by name, id
        """).fetchall()
        if names <= {row[0] for row in rows}:
            return {name: (ok, is_theirs, message) for name, ok, is_theirs, message in rows}
        time.sleep(0.5)
    pytest.fail(f"pg_cron did not run all: {admin.execute('select * from cron.job_run_details').fetchall()}")


def wait_for(connection: psycopg.Connection[Any], count: str) -> None:
    give_up = time.monotonic() + NEXT_MINUTE_SECONDS
    while not scalar(connection, count):
        assert time.monotonic() < give_up, count
        time.sleep(0.5)


def scalar(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


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

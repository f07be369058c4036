"""`dbkit cron` without pg_cron: the log, the locks, the slots, bare jobs, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from between import transaction_pooler
from operators_shell import Shell

from dbkit.config import Config
from dbkit.ops import cron
from dbkit.postgres import Database

# A body that says how often it ran, waits when told to, and fails when told to.
BODY = """
create table core.traces (id bigint generated always as identity, at timestamptz not null default clock_timestamp());
alter table core.traces owner to app_owner;
grant all on core.traces to app_definer;
create function core.leave_trace(p_seconds double precision default 0, p_fails boolean default false) returns integer
    language plpgsql as $fn$
begin
    insert into core.traces default values;
    perform pg_sleep(p_seconds);
    if p_fails then
        raise exception 'told to fail' using errcode = 'PT500';
    end if;
    return 7;
end $fn$;
alter function core.leave_trace owner to app_owner;
grant execute on function core.leave_trace to app_definer;
delete from core.cron_jobs;
"""
PUT = "select core.put_cron_job(%s, '* * * * *', %s, 'core', p_run_mode => %s)"
PATIENCE_SECONDS = 120
LONG_AGO = "update core.cron_jobs set created_at = now() - interval '1 day'"


@pytest.fixture
def db(core_db: Database) -> Iterator[psycopg.Connection[Any]]:
    """core with one function to schedule and no other job."""
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        connection.execute(BODY)
        yield connection


def put(db: psycopg.Connection[Any], name: str, command: str, mode: str = "sql") -> None:
    db.execute(PUT, (name, command, mode))
    db.execute(LONG_AGO)


def scalar(db: psycopg.Connection[Any], query: str) -> Any:
    row = db.execute(query).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]


def traces(db: psycopg.Connection[Any]) -> int:
    found: int = scalar(db, "select count(*) from core.traces")
    return found


def test_tick_runs_what_is_due_once(db: psycopg.Connection[Any], shell: Shell) -> None:
    put(db, "trace", "select core.leave_trace()")
    db.execute("update core.cron_jobs set schedule = '0 0 1 1 *', created_at = now() - interval '2 years'")
    first = shell.json("cron", "tick")
    ran = [(run["name"], run["ok"], run["rows"], run["skipped"]) for run in first["runs"]]
    assert ran == [("trace", True, 7, False)]
    assert shell("cron", "tick").stdout == "nothing is due\n"
    assert traces(db) == 1
    assert db.execute("select name, ok, rows_affected, finished_at >= started_at from core.cron_runs").fetchall() == [
        ("trace", True, 7, True)
    ]


def test_a_failing_job_is_undone_and_logged_and_does_not_stop_the_others(
    db: psycopg.Connection[Any], shell: Shell
) -> None:
    put(db, "bad", "select core.leave_trace(0, true)")
    put(db, "good", "select core.leave_trace()")
    done = shell("cron", "tick")
    assert done.returncode == 1
    assert "failed: PT500 told to fail" in done.stdout
    assert traces(db) == 1, "what the failed body wrote is gone, what the good one wrote is there"
    assert db.execute("select name, ok, message from core.cron_runs order by name").fetchall() == [
        ("bad", False, "PT500 told to fail"),
        ("good", True, "7"),
    ]


def test_an_unreadable_schedule_does_not_stop_the_others(db: psycopg.Connection[Any], shell: Shell) -> None:
    put(db, "good", "select core.leave_trace()")
    db.execute("select core.put_cron_job('never', '0 0 30 2 *', 'select core.leave_trace()', 'core')")
    done = shell("cron", "tick")
    assert done.returncode == 1
    assert "schedule of job never cannot be read: 0 0 30 2 *" in done.stdout
    assert traces(db) == 1


def test_ten_ticks_at_once_run_a_slot_once(db: psycopg.Connection[Any], core_db: Database) -> None:
    put(db, "trace", "select core.leave_trace(0.2)")
    db.execute("update core.cron_jobs set schedule = '0 0 1 1 *', created_at = now() - interval '2 years'")

    def tick(_: int) -> list[cron.Outcome]:
        with psycopg.connect(core_db.conninfo, autocommit=True) as own:
            return cron.tick(own)

    with ThreadPoolExecutor(10) as pool:
        outcomes = [outcome for ran in pool.map(tick, range(10)) for outcome in ran]
    assert [outcome.ok for outcome in outcomes if not outcome.skipped] == [True]
    assert traces(db) == 1


def test_a_run_by_hand_while_the_job_runs_is_skipped_and_afterwards_is_not(
    db: psycopg.Connection[Any], shell: Shell, core_db: Database
) -> None:
    put(db, "trace", "select core.leave_trace()")
    with psycopg.connect(core_db.conninfo) as other:
        other.execute("select core.run_cron('trace')")  # not committed: the lock is held
        assert "skipped" in shell("cron", "run", "trace").stdout
        other.rollback()
    assert traces(db) == 0, "a run that was not committed left neither row nor log"
    assert shell("cron", "run", "trace").stdout.startswith("trace                        ok in ")
    assert traces(db) == 1


def test_a_bare_job_runs_outside_a_transaction(db: psycopg.Connection[Any], shell: Shell) -> None:
    put(db, "vacuum-traces", "vacuum (analyze) core.traces", "bare")
    db.execute("select core.leave_trace()")
    assert shell("cron", "run", "vacuum-traces").returncode == 0
    assert scalar(db, "select relpages > 0 from pg_class where oid = 'core.traces'::regclass"), "the table was vacuumed"
    assert db.execute("select name, ok, finished_at is not null from core.cron_runs").fetchall() == [
        ("vacuum-traces", True, True)
    ]
    with pytest.raises(psycopg.Error) as refused:
        db.execute("select core.run_cron('vacuum-traces')")
    assert refused.value.sqlstate == "PT422"


def test_a_bare_job_that_fails_is_logged_and_unlocked(db: psycopg.Connection[Any], core_db: Database) -> None:
    put(db, "vacuum-traces", "vacuum core.traces", "bare")
    with (
        psycopg.connect(core_db.conninfo, autocommit=True) as own,
        psycopg.connect(core_db.conninfo) as holder,
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute("lock table core.traces in access exclusive mode")
        running = pool.submit(cron.run, own, "vacuum-traces")
        once_it_waits(db, "pg_cancel_backend", "vacuum core.traces")
        failed = running.result(timeout=PATIENCE_SECONDS)
        assert (failed.ok, (failed.message or "")[:5]) == (False, "57014")
        holder.rollback()
        assert cron.run(own, "vacuum-traces").ok, "the lock of the job was given back"


def test_a_bare_job_behind_a_pooler_keeps_no_lock(
    db: psycopg.Connection[Any], config: Config, core_db: Database
) -> None:
    """Two clients at once, so that the statements of one run in different server processes."""
    put(db, "vacuum-traces", "vacuum core.traces", "bare")
    locks = "select count(*) from pg_locks where locktype = 'advisory'"
    resets = "server_round_robin = 1"
    with transaction_pooler(core_db.conninfo, resets) as through, ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: Shell(config, through)("cron", "run", "vacuum-traces"), range(3)))
        assert {one.returncode for one in done} == {0}, [one.stderr for one in done]
        assert scalar(db, locks) == 0
        assert "ok in" in Shell(config, through)("cron", "run", "vacuum-traces").stdout


def once_it_waits(db: psycopg.Connection[Any], act: str, query: str) -> None:
    """Cancel or terminate the backend that runs a query, once it waits in it.

    Args:
        act: pg_cancel_backend or pg_terminate_backend.
        query: what its text is like.
    """
    give_up = monotonic() + PATIENCE_SECONDS
    while monotonic() < give_up:
        told = db.execute(
            f"select {act}(pid) from pg_stat_activity where query like %s and pid <> pg_backend_pid()"
            " and wait_event is not null and state = 'active'",
            (query,),
        ).fetchall()
        if told:
            return
        sleep(0.02)
    pytest.fail(f"no session runs {query}")


def test_a_session_that_dies_in_a_job_leaves_nothing_and_the_job_is_still_due(
    db: psycopg.Connection[Any], core_db: Database
) -> None:
    put(db, "slow", "select core.leave_trace(60)")
    with psycopg.connect(core_db.conninfo, autocommit=True) as own, ThreadPoolExecutor(1) as pool:
        ticking = pool.submit(cron.tick, own)
        once_it_waits(db, "pg_terminate_backend", "%core.run_cron%")
        with pytest.raises(psycopg.OperationalError):
            ticking.result(timeout=PATIENCE_SECONDS)
    assert (traces(db), scalar(db, "select count(*) from core.cron_runs")) == (0, 0)
    db.execute("select core.put_cron_job('slow', '* * * * *', 'select core.leave_trace()', 'core')")
    with psycopg.connect(core_db.conninfo, autocommit=True) as own:
        assert [outcome.ok for outcome in cron.tick(own)] == [True]
    assert traces(db) == 1


def test_a_bare_job_whose_session_died_is_run_again(db: psycopg.Connection[Any], core_db: Database) -> None:
    put(db, "vacuum-traces", "vacuum core.traces", "bare")
    with psycopg.connect(core_db.conninfo) as holder:
        holder.execute("lock table core.traces in access exclusive mode")
        with psycopg.connect(core_db.conninfo, autocommit=True) as own, ThreadPoolExecutor(1) as pool:
            ticking = pool.submit(cron.tick, own)
            once_it_waits(db, "pg_terminate_backend", "vacuum core.traces")
            with pytest.raises(psycopg.OperationalError):
                ticking.result(timeout=PATIENCE_SECONDS)
        holder.rollback()
    assert db.execute("select last_ok, last_finished_at from core.cron_status").fetchall() == [(None, None)]
    with psycopg.connect(core_db.conninfo, autocommit=True) as own:
        assert [outcome.ok for outcome in cron.tick(own)] == [True]


def test_what_is_not_there_or_off_is_not_run(db: psycopg.Connection[Any], shell: Shell) -> None:
    put(db, "absent", "select core.no_such_function()")
    put(db, "off", "select core.leave_trace()")
    db.execute("update core.cron_jobs set is_enabled = false where name = 'off'")
    assert shell("cron", "tick").stdout == "nothing is due\n"
    listed = shell("cron", "list").stdout
    assert "core.no_such_function is missing" in listed
    assert "2 jobs, 0 scheduled" in listed
    refused = shell("cron", "run", "absent")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: core.no_such_function is not installed\n")
    assert shell("cron", "run", "off").returncode == 0, "a job that is off can still be run by hand"
    unknown = shell("cron", "run", "nothing")
    assert unknown.returncode == 2
    assert "The jobs are absent, off." in unknown.stderr


def test_every_seeded_job_that_is_installed_runs_twice(shell: Shell, core_db: Database) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        installed = [job.name for job in cron.jobs(connection) if job.runs]
        assert {"evaluate-alerts", "hourly-metric-aggregation", "apply-retention"} <= set(installed)
        for name in installed * 2:
            assert cron.run(connection, name).ok, name


def test_sync_without_pg_cron_keeps_the_schedule_as_data(shell: Shell, core_db: Database) -> None:
    actions = shell.json("cron", "sync")["jobs"]
    assert {job["action"] for job in actions} == {"kept as data"}
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        connection.execute("insert into core.app_settings (key, is_required) values ('extension.pg_cron', true)")
    done = shell("cron", "sync")
    assert done.returncode == 2
    assert "The settings require pg_cron, which is not installed in this database." in done.stderr


def test_commands_without_a_database_or_without_core_say_so(
    shell_without_database: Shell, shell: Shell, database: Database
) -> None:
    for command in (["cron", "list"], ["cron", "tick"], ["cron", "sync"], ["health"]):
        done = shell_without_database(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: no database given\n")
        shell.conninfo = database.conninfo
        empty = shell(*command)
        assert empty.returncode == 2
        assert "is not in this database" in empty.stderr
        shell.conninfo = "host=/nowhere dbname=x"
        assert shell(*command).stderr.startswith("error: cannot connect to the database\n")

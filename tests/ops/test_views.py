"""Monitoring views that need a second session, committed work or pg_stat_statements."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from operators_shell import Shell

from dbkit.config import Config
from dbkit.ops import cron
from dbkit.postgres import Database, Server

PATIENCE_SECONDS = 120


def rows(conninfo: str, query: str) -> list[tuple[Any, ...]]:
    """What monitoring sees."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("set local role app_monitor")
        return connection.execute(query.encode()).fetchall()


def wait_for(conninfo: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query as soon as it has any; statistics and waits of other sessions take a moment to show."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        if found := rows(conninfo, query):
            return found
        time.sleep(0.05)
    pytest.fail(f"no row: {query}")


def test_who_waits_and_for_whom(core_db: Database) -> None:
    with ExitStack() as stack:
        holder, waiter = (stack.enter_context(psycopg.connect(core_db.conninfo)) for _ in range(2))
        pool = stack.enter_context(ThreadPoolExecutor(1))
        stack.callback(holder.rollback)  # before the pool waits for the waiter
        holder.execute("lock table core.users in access exclusive mode")
        waiting = pool.submit(waiter.execute, "select from core.users")
        ((blocked, mode, relation, blocking, state, text),) = wait_for(
            core_db.conninfo,
            "select blocked_pid, wanted_mode, relation, blocking_pid, blocking_state, blocking_query"
            " from core.blocking_locks",
        )
        assert (blocked, blocking) == (waiter.info.backend_pid, holder.info.backend_pid)
        assert (mode, relation, state) == ("AccessShareLock", "core.users", "idle in transaction")
        assert text == "lock table core.users in access exclusive mode"
        holder.rollback()
        waiting.result(timeout=PATIENCE_SECONDS)
        waiter.rollback()
        assert rows(core_db.conninfo, "select from core.blocking_locks") == []


def test_a_transaction_that_stays_open_shows_and_a_young_one_does_not(core_db: Database) -> None:
    with psycopg.connect(core_db.conninfo) as sleeper:
        sleeper.execute("select 'forgotten'")
        query = f"select pid, state, query from core.long_transactions where pid = {sleeper.info.backend_pid}"
        assert rows(core_db.conninfo, query) == []
        assert wait_for(core_db.conninfo, query) == [
            (sleeper.info.backend_pid, "idle in transaction", "select 'forgotten'")
        ]
        with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
            admin.execute("select core.evaluate_alerts('slow_transaction')")
            fired = admin.execute("select state, value > 5000 from core.alert_status where rule = 'slow_transaction'")
            assert fired.fetchone() == ("firing", True)
    with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
        admin.execute("select core.evaluate_alerts('slow_transaction')")
        over = admin.execute("select state from core.alert_status where rule = 'slow_transaction'")
        assert over.fetchone() == ("ok",)


def test_sessions_move_the_numbers(core_db: Database) -> None:
    # A session that was closed may count for a moment longer, so the numbers are waited for.
    here = "select from core.connection_usage where database_name = current_database() and used = {}"
    server = """
        select used >= {}, used + available + reserved = max_connections
          from core.connection_usage where database_name is null
    """
    wait_for(core_db.conninfo, here.format(1))
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(psycopg.connect(core_db.conninfo))
        wait_for(core_db.conninfo, here.format(6))
        assert rows(core_db.conninfo, server.format(6)) == [(True, True)]
    wait_for(core_db.conninfo, here.format(1))


def test_sessions_of_one_database_leave_less_to_the_others(server: Server, core_db: Database) -> None:
    query = "select used, available from core.connection_usage where database_name = current_database()"
    ((used, available),) = rows(core_db.conninfo, query)
    with server.database() as other, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(psycopg.connect(other.conninfo))
        assert rows(core_db.conninfo, query) == [(used, available - 3)]


def test_deleted_rows_raise_the_ratio_and_vacuum_lowers_it(core_db: Database) -> None:
    ratio = "select dead_ratio from core.table_bloat where table_name = 'bloated' and dead_ratio"
    with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
        admin.execute("create table core.bloated as select i from generate_series(1, 1000) as i")
        admin.execute("delete from core.bloated where i <= 750")
        admin.execute("select pg_stat_force_next_flush()")
        assert wait_for(core_db.conninfo, f"{ratio} > 0") == [(pytest.approx(0.75),)]
        admin.execute("vacuum core.bloated")
        admin.execute("select pg_stat_force_next_flush()")
        assert wait_for(core_db.conninfo, f"{ratio} = 0 and last_vacuum_at is not null")


def test_a_slow_statement_is_listed_and_a_fast_one_is_not(watched: str) -> None:
    with psycopg.connect(watched, autocommit=True) as admin:
        for _ in range(3):
            admin.execute("select pg_sleep(0.2)")
        for _ in range(100):  # its mean stays low, though the machine may stand still once
            admin.execute("select 'fast'")
    for _ in range(2):  # the second time the question itself has been counted
        slow = rows(watched, "select query, calls, mean_ms > 100, max_ms >= mean_ms from core.slow_queries")
        assert slow == [("select pg_sleep($1)", 3, True, True)]
    first = rows(watched, "select query, percent_of_total > 50 from core.top_queries_by_total_time limit 1")
    assert first == [("select pg_sleep($1)", True)]
    listed = {text for (text,) in rows(watched, "select query from core.top_queries_by_total_time")}
    assert "select $1" in listed
    assert not [text for text in listed if "core.slow_queries" in text or "core.top_queries" in text]


def test_slow_statements_are_snapshotted_and_raise_their_alert(watched: str) -> None:
    with psycopg.connect(watched, autocommit=True) as admin:
        admin.execute("select pg_sleep(0.2)")
        assert cron.run(admin, "query-stats-snapshot").rows
        kept = admin.execute(
            "select mean_exec_ms > 100 from core.query_stats_snapshots where query = 'select pg_sleep($1)'"
        )
        assert kept.fetchall() == [(True,)]
        admin.execute("select core.evaluate_alerts('slow_statements')")
        state = admin.execute("select state, value >= 1 from core.alert_status where rule = 'slow_statements'")
        assert state.fetchone() == ("firing", True)


def test_what_a_query_takes_is_a_metric_of_each_hour(watched: str) -> None:
    def measured(admin: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
        """The samples of a snapshot of this minute."""
        assert cron.run(admin, "query-stats-snapshot").ok
        return admin.execute("delete from core.metric_samples where name = 'query_ms' returning value").fetchall()

    with psycopg.connect(watched, autocommit=True) as admin:
        admin.execute("truncate core.query_stats_snapshots")
        admin.execute("select pg_sleep(0.2)")
        assert measured(admin) == []  # there is nothing to compare with

        # An hour later: a third of a second more of one statement, and what else there is has been called anew.
        admin.execute("delete from core.query_stats_snapshots where query <> 'select pg_sleep($1)'")
        admin.execute(AN_HOUR_LATER)
        admin.execute("select pg_sleep(0.3)")
        early_in_a_minute()
        samples = measured(admin)
        assert samples == [(pytest.approx(since_before(admin)),)]
        assert measured(admin) == []  # once a snapshot

        # Statistics that were reset meanwhile begin anew, and are never negative.
        admin.execute(AN_HOUR_LATER)
        admin.execute("update core.query_stats_snapshots set calls = 1e9, total_exec_ms = 1e12")
        ((value,),) = measured(admin)
        admin.execute("delete from core.query_stats_snapshots where calls = 1e9")
        assert value == pytest.approx(since_before(admin))


AN_HOUR_LATER = "update core.query_stats_snapshots set taken_at = taken_at - interval '1 hour'"
SUMS = """
select coalesce(sum(case when taken_at = newest then total_exec_ms else -total_exec_ms end), 0)::float,
       coalesce(sum(case when taken_at = newest then calls else -calls end), 0)::float
  from core.query_stats_snapshots, (select max(taken_at) as newest from core.query_stats_snapshots) as n
"""


def since_before(admin: psycopg.Connection[Any]) -> float:
    """Milliseconds an execution took between the two snapshots that are kept."""
    row = admin.execute(SUMS).fetchone()
    assert row is not None
    return float(row[0]) / float(row[1])


def early_in_a_minute() -> None:
    """A snapshot is of its minute: two that are to be of the same one do not begin at its end."""
    second = time.time() % 60
    if second > 50:
        time.sleep(60.1 - second)


def test_an_extension_the_server_does_not_preload_is_told_apart(core_db: Database, shell: Shell) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
        admin.execute("create extension pg_stat_statements")
        with pytest.raises(psycopg.Error) as refused:
            admin.execute("select from core.slow_queries")
        assert refused.value.sqlstate == "PT503"
        run = cron.run(admin, "query-stats-snapshot")
        assert (run.ok, run.rows) == (True, 0)
    problem = shell.json("top", "--once")["panels"]["queries"]["problem"]
    assert problem == "pg_stat_statements is installed, but the server does not preload it."


def test_top_shows_locks_alerts_and_slow_statements(config: Config, watched: str) -> None:
    with psycopg.connect(watched, autocommit=True) as admin, psycopg.connect(watched) as holder:
        admin.execute("select pg_sleep(0.2)")
        admin.execute("insert into core.error_events (action, message) select 'a', 'm' from generate_series(1, 51)")
        admin.execute("select core.evaluate_alerts('high_error_count')")
        holder.execute("lock table core.users in access exclusive mode")
        blocker = holder.info.backend_pid
        with ThreadPoolExecutor(1) as pool, psycopg.connect(watched) as waiter:
            waiting = pool.submit(waiter.execute, "select from core.users")
            wait_for(watched, "select from core.blocking_locks")
            shell = Shell(config, watched)
            panels = shell.json("top", "--once")["panels"]
            text = shell("top").stdout  # no terminal: one frame
            holder.rollback()
            waiting.result(timeout=PATIENCE_SECONDS)
    assert [(row["relation"], row["holds"]) for row in panels["locks"]["rows"]] == [("core.users", blocker)]
    assert ("firing", "critical", "high_error_count", 51.0) in [
        (row["state"], row["severity"], row["rule"], row["value"]) for row in panels["alerts"]["rows"]
    ]
    assert "select pg_sleep($1)" in [row["query"] for row in panels["queries"]["rows"]]
    assert {name: panel["problem"] for name, panel in panels.items() if panel["problem"]} == {}
    for shown in ("high_error_count", "lock table core.users in access exclusive mode", "select pg_sleep($1)"):
        assert shown in text

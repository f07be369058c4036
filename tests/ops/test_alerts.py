"""Alerts, counters and samples when several do the same at once, and when the transaction around them ends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from dbkit.postgres import Database

ANN, NORTH = uuid4(), uuid4()


@pytest.fixture
def conninfo(core_db: Database) -> str:
    """core with ann, who owns north."""
    with psycopg.connect(core_db.conninfo) as admin:
        admin.execute("insert into core.users (id, email, name) values (%s, 'ann@example.test', 'ann')", (ANN,))
        admin.execute(
            "insert into core.tenants (id, system, name, owner_user_id) values (%s, 'crm', 'north', %s)", (NORTH, ANN)
        )
        admin.execute(
            "insert into core.memberships (tenant_id, user_id, role_key) values (%s, %s, 'OWNER')", (NORTH, ANN)
        )
    return core_db.conninfo


def at_once(times: int, work: Callable[[], Any]) -> list[Any]:
    """Do the same in as many threads, all let go together."""
    start = Barrier(times)

    def one(_: int) -> Any:
        start.wait(timeout=60)
        return work()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def scalar(conninfo: str, query: str) -> Any:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("question", ["core.evaluate_alerts()", "core.evaluate_alerts('high_error_count')"])
def test_ten_evaluations_at_once_tell_people_once(conninfo: str, question: str) -> None:
    with psycopg.connect(conninfo) as admin:
        admin.execute("delete from core.alert_rules where name <> 'high_error_count'")
        admin.execute("insert into core.error_events (action, message) select 'a', 'm' from generate_series(1, 51)")
    assert sum(at_once(10, lambda: scalar(conninfo, f"select {question}"))) == 1
    assert scalar(conninfo, "select count(*) from core.alerts") == 1
    assert scalar(conninfo, "select count(*) from core.job_queue where job_type = 'send_alert'") == 1


def test_an_evaluation_that_is_rolled_back_told_nobody_and_the_next_does(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "insert into core.error_events (action, message) select 'a', 'm' from generate_series(1, 51)"
        )
        connection.commit()
        connection.execute("select core.evaluate_alerts('high_error_count')")
        connection.rollback()
    assert scalar(conninfo, "select count(*) from core.job_queue") == 0
    assert scalar(conninfo, "select core.evaluate_alerts('high_error_count')") == 1
    assert scalar(conninfo, "select count(*) from core.job_queue") == 1


def test_parallel_counts_lose_none(conninfo: str) -> None:
    def count() -> None:
        with psycopg.connect(conninfo) as connection:
            connection.execute("set local role app_user")
            connection.execute("select core.set_context(%s, %s)", (ANN, NORTH))
            connection.execute("select core.count_metric('invoices_sent', 2, 0.10)")

    at_once(20, count)
    with psycopg.connect(conninfo) as connection:
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        rows = connection.execute("select metric, count, amount::text from core.get_metrics_today()").fetchall()
    assert rows == [("invoices_sent", 40, "2.00")]


def test_parallel_aggregations_write_each_hour_once(conninfo: str) -> None:
    with psycopg.connect(conninfo) as admin:
        admin.execute(
            "insert into core.metric_samples (name, value, created_at)"
            " select 'response_ms', i, now() - interval '2 hours' from generate_series(1, 1000) as i"
        )
    at_once(8, lambda: scalar(conninfo, "select core.aggregate_metrics()"))
    assert scalar(conninfo, "select array_agg(samples) from core.hourly_metrics") == [1000]


def test_an_error_outlives_the_failed_transaction_only_in_its_own(conninfo: str) -> None:
    def report(connection: psycopg.Connection[Any]) -> None:
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        connection.execute("select core.log_error('ticket.create', '23505', 'duplicate', '{\"token\": \"whisper\"}')")

    with psycopg.connect(conninfo) as connection:
        report(connection)
        connection.rollback()
        assert scalar(conninfo, "select count(*) from core.error_events") == 0
        report(connection)
        connection.commit()
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("select tenant_id, user_id, context from core.error_events").fetchone()
    assert row == (NORTH, ANN, {"token": "[redacted]"})

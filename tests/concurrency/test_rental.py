"""Races of rental that one session cannot show: a check split from its write, two leases of a unit, registrations."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from time import monotonic, sleep
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import IsolationLevel

from dbkit.postgres import Database

Connection = psycopg.Connection[Any]

NORTH, LOFT, ATTIC, RITA, ROB = (uuid4() for _ in range(5))
LET = "select rental.start_tenancy(%s, %s, '2024-01-01', '2024-12-31')"


@pytest.fixture
def conninfo(core_db: Database) -> str:
    """The landlord north with two units and two renters, committed."""
    with psycopg.connect(core_db.conninfo) as admin:
        admin.execute(
            "insert into core.users (id, email, name) values (%s, 'north@example.test', 'north')",
            (NORTH,),
        )
        admin.execute("select core.set_context(%s)", (NORTH,))
        admin.execute("select rental.register_landlord('North Homes')")
        for unit in (LOFT, ATTIC):
            admin.execute(
                "insert into rental.units (owner_user_id, id, name, address1, city, state, postal_code)"
                " values (%s, %s, 'unit', 'x', 'x', 'x', 'x')",
                (NORTH, unit),
            )
        for renter in (RITA, ROB):
            admin.execute(
                "insert into rental.tenants (owner_user_id, id, first_name, last_name, email)"
                " values (%s, %s, 'x', 'x', %s)",
                (NORTH, renter, f"{renter}@example.test"),
            )
    return core_db.conninfo


@contextmanager
def landlord(
    conninfo: str, tenant: UUID | None = NORTH, isolation: IsolationLevel | None = None
) -> Iterator[Connection]:
    """North's connection inside one transaction; commits at the end, rolls back on an error."""
    with psycopg.connect(conninfo) as connection:
        connection.isolation_level = isolation
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (NORTH, tenant))
        yield connection


def wait_until_blocked(conninfo: str, pid: int) -> None:
    """Until the backend waits for a lock of another; a minute at most."""
    deadline = monotonic() + 60
    with psycopg.connect(conninfo, autocommit=True) as admin:
        while monotonic() < deadline:
            if admin.execute("select cardinality(pg_blocking_pids(%s)) > 0", (pid,)).fetchone() == (True,):
                return
            sleep(0.01)
    raise AssertionError("the second transaction never waited for the first")


def sqlstate_of(connection: Connection, sql: str, *params: object) -> str | None:
    """The error code of a statement, None when it succeeds; ends the transaction either way."""
    try:
        connection.execute(sql.encode(), params)
        connection.commit()
    except psycopg.Error as error:
        connection.rollback()
        return error.sqlstate
    return None


def contest(conninfo: str, first: tuple[str, tuple[object, ...]], second: tuple[str, tuple[object, ...]]) -> str | None:
    """Run `first`, let `second` run into its lock, commit `first`; return the error code of `second`."""
    with ThreadPoolExecutor(1) as pool, landlord(conninfo) as late, landlord(conninfo) as early:
        early.execute(first[0].encode(), first[1])
        outcome = pool.submit(sqlstate_of, late, second[0], *second[1])
        wait_until_blocked(conninfo, late.info.backend_pid)
        early.commit()
        return outcome.result(timeout=60)


def test_a_unit_cannot_go_between_check_and_write(conninfo: str) -> None:
    with ThreadPoolExecutor(1) as pool, landlord(conninfo) as other, landlord(conninfo) as writer:
        writer.execute("select rental.authorize_unit(%s)", (LOFT,))
        outcome = pool.submit(sqlstate_of, other, "select rental.delete_unit(%s)", LOFT)
        wait_until_blocked(conninfo, other.info.backend_pid)
        writer.execute("select rental.create_ticket(%s, 'Tap')", (LOFT,))
        writer.commit()
        assert outcome.result(timeout=60) is None
    with psycopg.connect(conninfo) as admin:
        assert admin.execute("select title, unit_id from rental.tickets").fetchall() == [("Tap", None)]


def test_a_check_after_the_unit_is_gone_refuses(conninfo: str) -> None:
    gone = ("select rental.delete_unit(%s)", (LOFT,))
    assert contest(conninfo, gone, ("select rental.create_ticket(%s, 'Tap')", (LOFT,))) == "PT403"


def test_checks_of_one_unit_do_not_wait_for_each_other(conninfo: str) -> None:
    with landlord(conninfo) as one, landlord(conninfo) as other:
        one.execute("select rental.authorize_unit(%s)", (LOFT,))
        other.execute("set local lock_timeout = '10s'")
        other.execute("select rental.create_ticket(%s, 'Tap')", (LOFT,))


def test_one_unit_is_let_once(conninfo: str) -> None:
    assert contest(conninfo, (LET, (LOFT, RITA)), (LET, (LOFT, ROB))) == "PT409"


@pytest.mark.parametrize(
    ("isolation", "outcome"),
    [
        (IsolationLevel.READ_COMMITTED, "PT409"),
        (IsolationLevel.REPEATABLE_READ, "PT409"),
        (IsolationLevel.SERIALIZABLE, "40001"),
    ],
)
def test_a_snapshot_older_than_the_first_tenancy_lets_no_unit_again(
    conninfo: str, isolation: IsolationLevel, outcome: str
) -> None:
    # Repeatable read cannot be the first either, so its rival is of the ordinary kind.
    rival = IsolationLevel.SERIALIZABLE if isolation is IsolationLevel.SERIALIZABLE else None
    with landlord(conninfo, isolation=isolation) as late:
        with landlord(conninfo, isolation=rival) as early:
            early.execute(LET.encode(), (LOFT, RITA))
        assert sqlstate_of(late, LET, LOFT, ROB) == outcome
    with psycopg.connect(conninfo) as admin:
        assert admin.execute("select count(*) from rental.tenancies").fetchone() == (1,)


def test_two_units_are_let_at_once(conninfo: str) -> None:
    with landlord(conninfo) as one, landlord(conninfo) as other:
        one.execute(LET.encode(), (LOFT, RITA))
        other.execute("set local lock_timeout = '10s'")
        other.execute(LET.encode(), (ATTIC, ROB))
    with psycopg.connect(conninfo) as admin:
        assert admin.execute("select count(*) from rental.tenancies").fetchone() == (2,)


def test_a_unit_is_deleted_once(conninfo: str) -> None:
    times = 6
    start = Barrier(times)

    def delete(number: int) -> str | None:
        with landlord(conninfo) as connection:
            start.wait(timeout=60)
            return sqlstate_of(connection, "select rental.delete_unit(%s)", LOFT)

    with ThreadPoolExecutor(times) as pool:
        outcomes = list(pool.map(delete, range(times)))
    assert outcomes.count(None) == 1
    assert outcomes.count("PT403") == times - 1


@pytest.mark.parametrize(
    "sql",
    [
        "select rental.update_tenant(%(rita)s, jsonb_build_object('email', %(text)s::text || '@example.test'))",
        "select rental.update_unit(%(loft)s, jsonb_build_object('external_ref', %(text)s::text))",
        "select rental.put_contractor_results(%(ticket)s, jsonb_build_array(%(text)s::text))",
    ],
)
def test_changes_of_one_row_queue_and_do_not_deadlock(conninfo: str, sql: str) -> None:
    times, rounds = 6, 15
    start = Barrier(times)
    with landlord(conninfo) as connection:
        row = connection.execute("select id from rental.create_ticket(%s, 'Tap')", (LOFT,)).fetchone()
    assert row is not None

    def change(number: int) -> None:
        start.wait(timeout=60)
        for turn in range(rounds):
            with landlord(conninfo) as connection:
                values = {"rita": RITA, "loft": LOFT, "ticket": row[0], "text": f"change{number}-{turn}"}
                connection.execute(sql.encode(), values)

    with ThreadPoolExecutor(times) as pool:
        list(pool.map(change, range(times)))


def test_a_stale_ticket_is_not_overwritten(conninfo: str) -> None:
    with landlord(conninfo) as connection:
        row = connection.execute("select id from rental.create_ticket(%s, 'Tap')", (LOFT,)).fetchone()
    assert row is not None
    update = 'select rental.update_ticket(%s, \'{"status": "CLOSED"}\', 0)'
    assert contest(conninfo, (update, (row[0],)), (update, (row[0],))) == "PT409"


def test_registrations_at_once_make_one_landlord(core_db: Database) -> None:
    person, times = uuid4(), 8
    start = Barrier(times)
    with psycopg.connect(core_db.conninfo) as admin:
        admin.execute("insert into core.users (id, email, name) values (%s, 'ann@example.test', 'ann')", (person,))

    def register(number: int) -> None:
        with psycopg.connect(core_db.conninfo) as connection:
            connection.execute("set local role app_user")
            connection.execute("select core.set_context(%s)", (person,))
            start.wait(timeout=60)
            connection.execute("select rental.register_landlord(%s)", (f"Company {number}",))

    with ThreadPoolExecutor(times) as pool:
        list(pool.map(register, range(times)))
    with psycopg.connect(core_db.conninfo) as admin:
        found = admin.execute(
            "select t.id, p.role, p.onboarding_step, t.name = p.company_name"
            "  from core.tenants as t join rental.user_profiles as p on p.user_id = t.owner_user_id"
        ).fetchall()
    assert found == [(person, "OWNER", "company", True)]

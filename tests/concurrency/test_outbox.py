"""The outbox under transactions that overlap: late commits, lost listeners, savepoints, and many writers at once."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import IsolationLevel
from together import found_tenants

from dbkit.postgres import Database

Connection = psycopg.Connection[Any]

ANN, SUE = uuid4(), uuid4()
NORTH, SOUTH = uuid4(), uuid4()
WRITERS, PER_WRITER = 8, 25


@pytest.fixture
def conninfo(core_db: Database) -> str:
    """core with two tenants, north owned by ann and south by sue, committed."""
    found_tenants(core_db.conninfo, north=(NORTH, ANN), south=(SOUTH, SUE))
    return core_db.conninfo


@contextmanager
def request(conninfo: str, person: UUID = ANN, tenant: UUID = NORTH) -> Iterator[Connection]:
    """A connection inside one transaction, as an application would have it; commits at the end."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (person, tenant))
        yield connection


def emit(connection: Connection, entity: object) -> int:
    """Emit one event on the channel deals; its id."""
    row = connection.execute("select core.emit('deals', 'CUSTOM', 'deal', %s)", (str(entity),)).fetchone()
    assert row is not None
    return int(row[0])


def digest(tenant: UUID) -> str:
    """What a wake-up says in place of the tenant's id."""
    return hashlib.sha256(str(tenant).encode()).hexdigest()[:16]


def read(conninfo: str, after: int = 0, person: UUID = ANN, tenant: UUID = NORTH) -> list[tuple[int, str]]:
    """What a reader gets behind an event, as (id, entity)."""
    with request(conninfo, person, tenant) as connection:
        return connection.execute("select id, entity_id from core.read_events('deals', %s)", (after,)).fetchall()


def test_an_event_that_commits_late_is_not_skipped(conninfo: str) -> None:
    with request(conninfo) as slow:
        late = emit(slow, "late")
        with request(conninfo) as quick:
            early = emit(quick, "early")
        assert late < early
        assert read(conninfo) == []  # early is there, but a reader that took it would never look below it again
    assert read(conninfo) == [(late, "late"), (early, "early")]


def test_what_is_below_the_open_transaction_is_read_at_once(conninfo: str) -> None:
    with request(conninfo) as before:
        first = emit(before, "first")
    with request(conninfo) as slow:
        emit(slow, "late")
        assert read(conninfo) == [(first, "first")]


def test_transactions_of_others_hold_nobody_up(conninfo: str) -> None:
    with request(conninfo, SUE, SOUTH) as other_tenant, psycopg.connect(conninfo) as silent:
        emit(other_tenant, "south")
        silent.execute("select pg_current_xact_id()")
        with request(conninfo) as quick:
            event = emit(quick, "north")
        assert read(conninfo) == [(event, "north")]
    assert [entity for _, entity in read(conninfo, 0, SUE, SOUTH)] == ["south"]


def test_a_rolled_back_event_holds_nobody_up(conninfo: str) -> None:
    with request(conninfo) as writer:
        emit(writer, "undone")
        writer.rollback()
    with request(conninfo) as quick:
        event = emit(quick, "kept")
    assert read(conninfo) == [(event, "kept")]


def test_a_savepoint_takes_the_announcement_back_and_the_next_event_makes_a_new_one(conninfo: str) -> None:
    with request(conninfo) as slow:
        with slow.transaction(force_rollback=True):
            emit(slow, "undone")
        late = emit(slow, "late")
        with request(conninfo) as quick:
            early = emit(quick, "early")
        assert read(conninfo) == []
    assert read(conninfo) == [(late, "late"), (early, "early")]


def test_a_loop_of_events_announces_itself_once(conninfo: str) -> None:
    with request(conninfo) as writer:
        writer.execute("select count(core.emit('deals', 'CUSTOM', 'deal', n::text)) from generate_series(1, 500) as n")
        row = writer.execute(
            "select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and objsubid = 2"
        ).fetchone()
    assert row == (1,)


def test_an_older_snapshot_is_refused(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        with pytest.raises(psycopg.Error) as refusal:
            connection.execute("select from core.read_events('deals')")
    assert refusal.value.sqlstate == "PT400"


def test_a_listener_that_was_killed_resumes_without_loss(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as listener:
        listener.execute("listen dbkit_outbox")
        with request(conninfo) as writer:
            seen = emit(writer, "seen")
        (wake_up,) = listener.notifies(timeout=30, stop_after=1)
        assert json.loads(wake_up.payload) == {"id": seen, "tenant": digest(NORTH), "channel": "deals"}
        assert str(NORTH) not in wake_up.payload
        assert read(conninfo) == [(seen, "seen")]
        with psycopg.connect(conninfo, autocommit=True) as admin:
            admin.execute("select pg_terminate_backend(%s)", (listener.info.backend_pid,))
    for number in range(100):
        with request(conninfo) as writer:
            emit(writer, number)
    assert [entity for _, entity in read(conninfo, seen)] == [str(number) for number in range(100)]
    assert read(conninfo, 0, SUE, SOUTH) == []  # who heard of north's events reads none of them


def test_a_rolled_back_event_wakes_nobody(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as listener:
        listener.execute("listen dbkit_outbox")
        with request(conninfo) as writer:
            emit(writer, "undone")
            writer.rollback()
        with request(conninfo) as writer:
            kept = emit(writer, "kept")
        (wake_up,) = listener.notifies(timeout=30, stop_after=1)
        assert json.loads(wake_up.payload)["id"] == kept


def test_many_writers_and_a_reader_that_resumes(conninfo: str) -> None:
    """Each event is read once, in the order of ids, while eight writers commit in any order."""

    def write(writer: int) -> None:
        dice = random.Random(writer)
        for number in range(PER_WRITER):
            with request(conninfo) as connection:
                emit(connection, f"{writer}.{number}")
                sleep(dice.random() / 100)
                if dice.random() < 0.2:
                    connection.rollback()
                    continue
                emit(connection, f"{writer}.{number}b")

    seen: list[tuple[int, str]] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, writer) for writer in range(WRITERS)]
        while not all(writer.done() for writer in writers):
            seen += read(conninfo, seen[-1][0] if seen else 0)
        for writer in writers:
            writer.result()
    while rest := read(conninfo, seen[-1][0] if seen else 0):
        seen += rest
    with psycopg.connect(conninfo) as admin:
        written = admin.execute("select id, entity_id from core.outbox_events order by id").fetchall()
    assert seen == written
    assert len({entity.rstrip("b") for _, entity in written}) > WRITERS * PER_WRITER // 2

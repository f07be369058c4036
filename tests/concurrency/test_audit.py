"""The audit log over several transactions: seals beside writers, what the verifier finds, rollback and COPY."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from together import scalar

from dbkit.postgres import Database

Connection = psycopg.Connection[Any]

NORTH, SOUTH = uuid4(), uuid4()
WRITE = """
insert into core.audit_log (tenant_id, action, entity_type, entity_id, new_values)
select %s, 'insert', 'zoo.animals', n::text, jsonb_build_object('n', n) from generate_series(1, %s) as n
"""


@pytest.fixture
def admin(core_db: Database) -> Iterator[Connection]:
    """A superuser of a database whose log holds entries of two tenants, in two sealed runs."""
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        for _ in range(2):
            write(connection, NORTH, 5)
            write(connection, SOUTH, 3)
            seal(connection)
        yield connection


def write(connection: Connection, tenant: UUID | None, entries: int) -> None:
    connection.execute(WRITE, (tenant, entries))


def seal(connection: Connection) -> int:
    """Seal everything that is written; a transaction of any database holds it back, so it may have to wait."""
    sealed = 0
    deadline = time.monotonic() + 60
    while True:
        sealed += scalar(connection, "select core.seal_audit()")
        if scalar(connection, "select open_entries from core.audit_head()") == 0:
            return sealed
        assert time.monotonic() < deadline, "a transaction somewhere never ends"
        time.sleep(0.02)


def problems(connection: Connection, **arguments: object) -> list[tuple[Any, ...]]:
    """What the verifier finds: problem, tenant, entry."""
    named = ", ".join(f"{name} => %s" for name in arguments)
    query = f"select problem, tenant_id, entry_id from core.verify_audit({named})"
    return connection.execute(query, tuple(arguments.values())).fetchall()


@contextmanager
def unguarded(connection: Connection) -> Iterator[Connection]:
    """What only a superuser can do: no trigger fires."""
    connection.execute("set session_replication_role = replica")
    yield connection
    connection.execute("reset session_replication_role")


def entry(connection: Connection, tenant: UUID, number: int) -> int:
    """The id of the n-th entry of a tenant."""
    return int(
        scalar(
            connection,
            "select id from core.audit_log where tenant_id = %s order by id offset %s limit 1",
            (tenant, number - 1),
        )
    )


def test_what_is_sealed_verifies(admin: Connection) -> None:
    assert problems(admin) == []
    assert problems(admin, p_tenant_id=NORTH) == []
    run, head, sealed, waiting = (
        admin.execute("select run, head, sealed_entries, open_entries from core.audit_head()").fetchone() or (None,) * 4
    )
    assert run >= 2
    assert sealed >= 16
    assert waiting == 0
    assert problems(admin, p_anchor_run=run, p_anchor_head=head) == []
    assert seal(admin) == 0
    assert scalar(admin, "select run from core.audit_head()") == run


@pytest.mark.parametrize(
    "change",
    [
        "new_values = '{\"n\": 99}'",
        "user_id = gen_random_uuid()",
        "created_at = created_at + interval '1 microsecond'",
        "entity_id = ''",
        "request_id = ''",
        "changed_columns = '{}'",
        "db_role = 'somebody'",
        "transaction_id = transaction_id - 1",
    ],
)
def test_a_changed_entry_is_named(admin: Connection, change: str) -> None:
    victim = entry(admin, NORTH, 4)
    with unguarded(admin):
        admin.execute(f"update core.audit_log set {change} where id = %s", (victim,))
    assert problems(admin) == [("entry_changed", NORTH, victim)]
    low, high, run = (
        admin.execute("select from_transaction, to_transaction, run from core.verify_audit()").fetchone() or (None,) * 3
    )
    sealed = admin.execute(
        "select from_transaction, to_transaction from core.audit_seal_runs where run = %s", (run,)
    ).fetchone()
    assert (low, high) == sealed
    assert problems(admin, p_tenant_id=SOUTH) == []


def test_a_large_entry_is_sealed_by_the_hash_of_its_values(admin: Connection) -> None:
    large = "jsonb_build_object('note', repeat(chr(1), 9000), 'state', %s::text)"
    victim = scalar(
        admin,
        "insert into core.audit_log (tenant_id, action, entity_type, entity_id, new_values) "
        f"values (%s, 'insert', 'zoo.animals', 'whale', {large}) returning id",
        (NORTH, "well"),
    )
    assert seal(admin) == 1
    assert problems(admin) == []
    with unguarded(admin):
        admin.execute(f"update core.audit_log set new_values = {large} where id = %s", ("gone", victim))
    assert problems(admin) == [("entry_changed", NORTH, victim)]


def test_the_first_of_several_comes_first(admin: Connection) -> None:
    victims = [entry(admin, NORTH, number) for number in (2, 5, 9)]
    with unguarded(admin):
        admin.execute("update core.audit_log set action = 'forged' where id = any (%s)", (victims,))
    assert problems(admin, p_limit=1) == [("entry_changed", NORTH, victims[0])]
    assert len(problems(admin)) == 3


def test_a_deleted_entry_is_named(admin: Connection) -> None:
    victim = entry(admin, SOUTH, 2)
    with unguarded(admin):
        admin.execute("delete from core.audit_log where id = %s", (victim,))
    assert problems(admin) == [("entry_missing", SOUTH, victim)]


def test_an_entry_slipped_in_is_named(admin: Connection) -> None:
    old = scalar(admin, "select transaction_id from core.audit_log where id = %s", (entry(admin, NORTH, 1),))
    forged = scalar(
        admin,
        "insert into core.audit_log (tenant_id, action, entity_type, entity_id, transaction_id)"
        " values (%s, 'insert', 'zoo.animals', '1', %s) returning id",
        (NORTH, old),
    )
    ahead = scalar(
        admin,
        "insert into core.audit_log (tenant_id, action, entity_type, entity_id, transaction_id)"
        " values (%s, 'insert', 'zoo.animals', '1', 900000000000) returning id",
        (SOUTH,),
    )
    assert sorted(problems(admin)) == sorted([("entry_added", NORTH, forged), ("entry_added", SOUTH, ahead)])


def test_an_entry_given_to_another_tenant_is_named(admin: Connection) -> None:
    victim = entry(admin, NORTH, 3)
    with unguarded(admin):
        admin.execute("update core.audit_log set tenant_id = %s where id = %s", (SOUTH, victim))
    assert problems(admin) == [("entry_changed", NORTH, victim)]
    assert problems(admin, p_tenant_id=NORTH) == [("entry_missing", NORTH, victim)]
    assert problems(admin, p_tenant_id=SOUTH) == [("entry_added", SOUTH, victim)]


def test_changed_seals_and_runs_are_found(admin: Connection) -> None:
    with unguarded(admin):
        admin.execute(
            "update core.audit_seals set entry_hashes[1] = gen_random_uuid() where tenant_id = %s and number = 1",
            (NORTH,),
        )
    found = [problem for problem, *_ in problems(admin)]
    assert found[0] == "seal_changed"
    assert "entry_changed" in found


def test_a_removed_seal_leaves_a_gap(admin: Connection) -> None:
    with unguarded(admin):
        admin.execute("delete from core.audit_seals where tenant_id = %s and number = 1", (NORTH,))
    found = {problem for problem, *_ in problems(admin)}
    assert {"run_changed", "seal_missing", "entry_added"} <= found


def test_history_rewritten_with_all_its_seals_differs_from_the_anchor(admin: Connection) -> None:
    run, head = admin.execute("select run, head from core.audit_head()").fetchone() or (None, None)
    with unguarded(admin):
        admin.execute("delete from core.audit_log where id = %s", (entry(admin, NORTH, 1),))
        admin.execute("delete from core.audit_seals")
        admin.execute("delete from core.audit_seal_runs")
    seal(admin)
    assert problems(admin) == []
    assert [problem for problem, *_ in problems(admin, p_anchor_run=run, p_anchor_head=head)] == ["anchor_differs"]


def test_an_open_transaction_is_sealed_when_it_has_ended(core_db: Database, admin: Connection) -> None:
    with psycopg.connect(core_db.conninfo) as slow:
        write(slow, NORTH, 2)  # takes its ids and its transaction id now, commits below
        write(admin, SOUTH, 4)
        assert scalar(admin, "select core.seal_audit()") == 0, "everything waits for the older transaction"
        assert problems(admin) == []
        slow.commit()
    assert seal(admin) == 6
    assert problems(admin) == []


def test_sealing_beside_writers_misses_nothing(core_db: Database, admin: Connection) -> None:
    def writer(number: int) -> None:
        with psycopg.connect(core_db.conninfo) as connection:
            for turn in range(20):
                write(connection, (NORTH, SOUTH, None)[(number + turn) % 3], 3)
                connection.rollback() if turn % 5 == 4 else connection.commit()

    def sealer(_: int) -> None:
        with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
            for _ in range(15):
                connection.execute("select core.seal_audit()")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: writer(number) if number < 4 else sealer(number), range(6)))
    seal(admin)
    assert problems(admin) == []
    written = scalar(admin, "select count(*) from core.audit_log")
    assert admin.execute("select sealed_entries, open_entries from core.audit_head()").fetchone() == (written, 0)


def test_a_restored_server_begins_a_timeline(admin: Connection) -> None:
    # What a restored dump looks like: seals of another server, ahead of the transactions of this one, one entry open.
    with unguarded(admin):
        admin.execute("update core.audit_log set transaction_id = transaction_id + 1000000")
        admin.execute("delete from core.audit_seals")
        admin.execute("delete from core.audit_seal_runs")
        admin.execute(
            "select core.seal_audit_range(1, 42, 0, 9223372036854775807, 0, max(transaction_id) + 1)"
            " from core.audit_log"
        )
        admin.execute(WRITE.replace("select %s,", "select %s::uuid,"), (NORTH, 1))
        admin.execute(
            "update core.audit_log set transaction_id = transaction_id + 2000000"
            " where id = (select max(id) from core.audit_log)"
        )
    write(admin, SOUTH, 2)  # of this server, before its first seal
    assert seal(admin) == 3
    assert scalar(admin, "select max(timeline) from core.audit_seal_runs") == 2
    assert problems(admin) == []
    write(admin, NORTH, 2)
    assert seal(admin) == 2
    assert problems(admin) == []
    with unguarded(admin):
        admin.execute("update core.audit_log set action = 'forged' where id in (%s, %s)", (entry(admin, NORTH, 1), 1))
        admin.execute("delete from core.audit_log where id = (select max(id) from core.audit_log)")
    assert {problem for problem, *_ in problems(admin)} == {"entry_changed", "entry_missing"}


def test_months_dropped_by_retention_are_no_finding(admin: Connection) -> None:
    for age in ("5 years", "40 days"):
        admin.execute(
            "insert into core.audit_log (tenant_id, action, entity_type, entity_id, created_at)"
            " values (%s, 'insert', 'zoo.animals', '1', now() - %s::interval)",
            (NORTH, age),
        )
    seal(admin)
    dropped = scalar(admin, "select count(*) from core.audit_partitions() where action = 'dropped'")
    assert dropped == 1
    assert problems(admin) == []
    month = scalar(admin, "select 'audit_log_' || to_char((now() - interval '40 days') at time zone 'UTC', 'YYYY_MM')")
    admin.execute(f"drop table core.{month}")
    assert [problem for problem, *_ in problems(admin)] == ["entry_missing"]


def test_a_rollback_leaves_no_entry(core_db: Database, admin: Connection) -> None:
    before = scalar(admin, "select count(*) from core.audit_log")
    with psycopg.connect(core_db.conninfo) as connection:
        connection.execute("insert into core.users (email, name) values ('zoe@example.test', 'Zoe')")
        assert scalar(connection, "select count(*) from core.audit_log") == before + 1
        connection.rollback()
    assert scalar(admin, "select count(*) from core.audit_log") == before


def test_copy_is_recorded(core_db: Database, admin: Connection) -> None:
    before = scalar(admin, "select count(*) from core.audit_log")
    with (
        psycopg.connect(core_db.conninfo) as connection,
        connection.cursor().copy("copy core.users (email, name) from stdin") as copy,
    ):
        for number in range(30):
            copy.write_row((f"person{number}@example.test", "Person"))
    assert scalar(admin, "select count(*) from core.audit_log") == before + 30

"""Retention while others work: two runs at once, rows that arrive meanwhile, a locked row, and a run that is killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest

from dbkit.postgres import Database

Connection = psycopg.Connection[Any]

ROWS = 2_000
TABLES = """
set role app_owner;
create table core.events (id bigint generated always as identity primary key, note text not null, at timestamptz);
create table core.events_archive (id bigint primary key, note text not null, at timestamptz);
reset role;
insert into core.retention_policies (table_name, time_column, keep, mode, archive_table, batch_size)
values ('core.events', 'at', '1 year', 'archive', 'core.events_archive', 50);
insert into core.events (note, at) select 'old', now() - interval '2 years' from generate_series(1, {rows});
"""
ARRIVE = """
insert into core.events (note, at) values ('new', clock_timestamp() - interval '1 year' + %s * interval '1 ms')
"""
APPLY = "select core.apply_retention('core.events')"


@pytest.fixture
def conninfo(core_db: Database) -> str:
    """2,000 rows due for the archive, whose primary key refuses a row that comes twice."""
    with psycopg.connect(core_db.conninfo) as admin:
        admin.execute(TABLES.format(rows=ROWS))
    return core_db.conninfo


def ids(conninfo: str, table: str) -> list[int]:
    with psycopg.connect(conninfo) as admin:
        return [row[0] for row in admin.execute(f"select id from core.{table} order by id").fetchall()]


def apply(connection: Connection) -> int:
    connection.execute("set local role app_owner")
    row = connection.execute(APPLY).fetchone()
    assert row is not None
    return int(row[0])


def test_two_runs_share_the_rows_while_others_insert(conninfo: str) -> None:
    """Every row is in exactly one table at the end, those that became due while the runs worked included."""
    start = Barrier(3)

    def run() -> int:
        with psycopg.connect(conninfo) as connection:
            start.wait()
            return apply(connection)

    def insert() -> int:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            start.wait()
            for number in range(200):
                # just before, at, and just behind what any clock of the two runs can read
                connection.execute(ARRIVE, (number - 100,))
        return 0

    with ThreadPoolExecutor(3) as pool:
        moved = sum(task.result() for task in [pool.submit(run), pool.submit(run), pool.submit(insert)])
    kept, archived = ids(conninfo, "events"), ids(conninfo, "events_archive")
    assert len(archived) == moved >= ROWS
    assert sorted(kept + archived) == list(range(1, ROWS + 200 + 1))


def test_a_locked_row_waits_for_the_next_run(conninfo: str) -> None:
    with psycopg.connect(conninfo) as holder:
        holder.execute("select from core.events where id = 1 for update")
        with psycopg.connect(conninfo) as connection:
            assert apply(connection) == ROWS - 1
    with psycopg.connect(conninfo) as connection:
        assert apply(connection) == 1
    assert ids(conninfo, "events") == []


def test_a_killed_run_moves_nothing(conninfo: str) -> None:
    with psycopg.connect(conninfo) as doomed:
        assert apply(doomed) == ROWS
        with psycopg.connect(conninfo, autocommit=True) as admin:
            admin.execute("select pg_terminate_backend(%s)", (doomed.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            doomed.execute("select 1")
    assert len(ids(conninfo, "events")) == ROWS
    assert ids(conninfo, "events_archive") == []
    with psycopg.connect(conninfo) as connection:
        assert apply(connection) == ROWS
    assert len(ids(conninfo, "events_archive")) == ROWS


def test_a_year_of_days_ends_flat(conninfo: str) -> None:
    """With retention on, a table that grows steadily for a year holds what the policy keeps, and not a row more."""
    with psycopg.connect(conninfo) as admin:
        admin.execute("truncate core.events")
        admin.execute("update core.retention_policies set keep = '30 days' where table_name = 'core.events'")
        held = []
        for _ in range(365):
            admin.execute(
                "insert into core.events (note, at) select 'x', now() - interval '1 hour' from generate_series(1, 20)"
            )
            apply(admin)
            admin.execute("reset role")
            held.append(admin.execute("select count(*) from core.events").fetchone())
            admin.execute("update core.events set at = at - interval '1 day'")
        assert held[29:] == [(600,)] * 336

"""One look at a database: a handful of short queries on the monitoring views, each allowed to fail by itself.

A view may be missing (a module not installed), refuse (pg_stat_statements absent) or be out of the login's reach. Such
a panel says why and the others are still shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dbkit.ops.session import bounded

if TYPE_CHECKING:
    import psycopg

__all__ = ["PANELS", "Frame", "Panel", "look"]

# Nothing here may become a burden of the server it watches.
_SECONDS = 3.0
_LOCK_SECONDS = 0.5

_ACTIVITY = """
select clock_timestamp(), current_database(), current_setting('server_version'),
       d.xact_commit + d.xact_rollback,
       round(100.0 * d.blks_hit / nullif(d.blks_hit + d.blks_read, 0), 1),
       d.deadlocks
  from pg_catalog.pg_stat_database as d
 where d.datname = current_database()
"""

# panel -> (title, what its rows mean when there are none, query)
PANELS: dict[str, tuple[str, str, str]] = {
    "alerts": (
        "Alerts",
        "none pending or firing",
        """
        select state, severity, rule, value, comparator || ' ' || threshold as limit,
               coalesce(fired_at, first_seen_at) as since
          from core.alert_status
         where state in ('firing', 'pending')
         order by array_position('{critical,warning,info}', severity), rule
        """,
    ),
    "queue": (
        "Queue",
        "empty",
        """
        select queue, job_type, ready, scheduled, processing, failed, oldest_ready_seconds as oldest_s
          from core.queue_health
         where ready + scheduled + processing + failed > 0
         order by ready desc, failed desc, queue, job_type
         limit 10
        """,
    ),
    "connections": (
        "Connections",
        "none",
        """
        select coalesce(database_name, '(server)') as database, used, active, idle_in_transaction as idle_in_tx,
               max_connections as max, available
          from core.connection_usage
         order by database_name is null desc, used desc, database_name
         limit 5
        """,
    ),
    "locks": (
        "Waiting for locks",
        "nobody waits",
        """
        select blocked_pid as waits, seconds, wanted_mode as mode, relation, blocking_pid as holds,
               blocking_state as state, left(blocking_query, 200) as holder
          from core.blocking_locks
         limit 8
        """,
    ),
    "transactions": (
        "Open for more than 5 s",
        "none",
        """
        select coalesce(pid::text, prepared_as) as pid, seconds, user_name as user, state, wait_event as waits_for,
               left(query, 200) as query
          from core.long_transactions
         limit 5
        """,
    ),
    "queries": (
        "Slow queries",
        "no mean over 100 ms",
        "select mean_ms, calls, total_seconds as total_s, left(query, 200) as query from core.slow_queries limit 8",
    ),
    "cron": (
        "Failed jobs",
        "none",
        """
        select name, last_started_at as at, last_message as message
          from core.cron_status
         where last_ok = false
         order by name
        """,
    ),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One table of a frame.

    Attributes:
        empty: what to say where there are no rows.
        problem: why there is nothing to say, None where the query answered.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    empty: str
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows], "problem": self.problem}


@dataclass(frozen=True, slots=True)
class Frame:
    """What was seen at one moment.

    Attributes:
        transactions: finished in this database since its statistics were reset; two frames make a rate.
        cache_hits: percent of block reads that needed no disk, None where nothing was read.
        rate: transactions per second since the frame before, None for the first.
    """

    at: datetime
    database: str
    server: str
    transactions: int
    cache_hits: float | None
    deadlocks: int
    panels: dict[str, Panel]
    rate: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "database": self.database,
            "server": self.server,
            "transactions": self.transactions,
            "transactions_per_second": self.rate,
            "cache_hit_percent": self.cache_hits,
            "deadlocks": self.deadlocks,
            "panels": {name: panel.as_dict() for name, panel in self.panels.items()},
        }


def look(connection: psycopg.Connection[Any], before: Frame | None = None) -> Frame:
    """Read one frame.

    Args:
        connection: in autocommit mode.
        before: the frame before, for the rate.

    Raises:
        psycopg.OperationalError: the connection is lost.
        DbkitError: the server does not answer.
    """
    panels = {name: _panel(connection, *panel) for name, panel in PANELS.items()}
    with bounded(connection, _SECONDS):
        row = connection.execute(_ACTIVITY).fetchone()
    assert row is not None
    at, database, server, transactions, hits, deadlocks = row
    rate = None
    if before is not None and at > before.at and transactions >= before.transactions:  # fewer: statistics were reset
        rate = (transactions - before.transactions) / (at - before.at).total_seconds()
    return Frame(at, database, server, transactions, None if hits is None else float(hits), deadlocks, panels, rate)


def _panel(connection: psycopg.Connection[Any], title: str, empty: str, query: str) -> Panel:
    import psycopg

    try:
        with bounded(connection, _SECONDS, _LOCK_SECONDS):
            cursor = connection.execute(query.encode())
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    except psycopg.Error as error:
        if connection.broken:
            raise
        return Panel(title, (), (), empty, _reason(error))
    return Panel(title, tuple(column.name for column in cursor.description or ()), tuple(rows), empty)


def _reason(error: psycopg.Error) -> str:
    """One line: the detail of our own errors is written for people, the server's message is for the rest."""
    own = (error.sqlstate or "").startswith("PT") and error.diag.message_detail
    return " ".join((own or error.diag.message_primary or str(error)).split())

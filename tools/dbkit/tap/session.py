"""A session that file after file runs in: made new between two of them, and it sees whether one left something."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from dbkit.tap.isolation import LIVE_ROWS

if TYPE_CHECKING:
    import psycopg

__all__ = ["Session", "connect"]

# `discard all` but for the plans: pgTAP's own stay warm, and Postgres replans what a rolled-back table invalidates.
_RESET = b"""close all; set session authorization default; reset role; reset all; deallocate all; unlisten *;
select pg_catalog.pg_advisory_unlock_all(); discard temp; discard sequences;
select pg_catalog.pg_stat_force_next_flush()"""
_STATE = """
select exists (
           select from pg_catalog.unnest({settings}::text[]) setting
            where pg_catalog.current_setting(setting, true) is not null
       ),
       ({live_rows})
"""


class Session:
    """A database that file after file runs in, with its connection.

    Attributes:
        changed: something was committed since the database was fresh.
    """

    def __init__(self, stack: ExitStack, conninfo: str) -> None:
        self.stack = stack
        self.changed = False
        self._conninfo = conninfo
        self.connection = connect(conninfo)
        self._fresh: int | None = None
        self.renew(frozenset())

    def renew(self, settings: frozenset[str]) -> bool:
        """Make the session as new as it was, or replace it. False when the database cannot be reached any more.

        Args:
            settings: custom settings that must not have been touched: one that was set and reset is the empty string,
                where a new session has null.
        """
        import psycopg
        from psycopg import pq

        try:
            pgconn = self.connection.pgconn
            if pgconn.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR):
                pgconn.exec_(b"rollback")
            if pgconn.exec_(_RESET).status == pq.ExecStatus.TUPLES_OK:
                names = "{" + ",".join(sorted(settings)) + "}"  # names of settings need no quotes in an array
                state = pgconn.exec_(_STATE.format(settings=f"'{names}'", live_rows=LIVE_ROWS).encode())
                if state.status == pq.ExecStatus.TUPLES_OK:
                    rows = int(state.get_value(0, 1) or 0)
                    self._fresh = rows if self._fresh is None else self._fresh
                    self.changed = rows != self._fresh
                    if state.get_value(0, 0) == b"f":
                        return True
            self.connection.close()
            self.connection = connect(self._conninfo)
        except psycopg.OperationalError:
            return False
        return True


def connect(conninfo: str) -> psycopg.Connection[Any]:
    import psycopg

    # Nothing is prepared behind the back of a file that may say `deallocate all`.
    return psycopg.connect(conninfo, autocommit=True, application_name="dbkit test", prepare_threshold=None)

"""A session that file after file runs in: made new between two of them, and it sees whether one left something."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from dbkit.tap.isolation import LIVE_ROWS

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGresult

__all__ = ["Session", "connect"]

# The schema of temporary tables is made once, and kept. Without it pgTAP's plan() makes it anew for every file, in the
# transaction that is rolled back, and a new schema costs the session all its plans: a sixth of the time of a run.
# It is empty, and PostgreSQL gives it to later sessions, as that of anyone who used a temporary table. What an event
# trigger does about it would stay, so where there is one nothing is made.
_WARM_UP = b"""do $$ begin
    if not exists (select from pg_catalog.pg_event_trigger) then
        create temp table dbkit_warm_up ();
        drop table pg_temp.dbkit_warm_up;
    end if;
end $$"""
# `discard all` but for the plans: pgTAP's own stay warm, and Postgres replans what a rolled-back table invalidates.
_RESET = """close all; set session authorization default; reset role; reset all; deallocate all; unlisten *;
select pg_catalog.pg_advisory_unlock_all(); discard temp; discard sequences;
"""
# Counters become visible when the session goes idle after this.
_SHOW_COUNTERS = "select pg_catalog.pg_stat_force_next_flush();"
_COMMITS = "pg_catalog.pg_stat_get_db_xact_commit(d.oid)"
_HERE = "from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()"
_TOUCHED = """exists (
    select from pg_catalog.unnest('{settings}'::text[]) setting
     where pg_catalog.current_setting(setting, true) is not null
)"""
# Transactions of our own that commit between two looks at the counter: the look itself, and the next reset.
_OWN_COMMITS = 2


class Session:
    """A database that file after file runs in, with its connection.

    Attributes:
        stack: gives the database back.
        changed: something was committed since the database was fresh. Known of a database of our own only.
        connection: in autocommit mode; replaced by `renew` where the session cannot be made new.
    """

    def __init__(self, stack: ExitStack, conninfo: str, *, own: bool) -> None:
        """Connect.

        Args:
            own: nobody else works in the database, so that what was committed is seen.

        Raises:
            psycopg.OperationalError: the database cannot be reached.
        """
        self.stack = stack
        self.changed = False
        self._conninfo = conninfo
        self._own = own
        self._fresh_rows: int | None = None
        self._expected_commits: int | None = None
        self.connection = self._connect()
        self.renew(frozenset())

    def renew(self, settings: frozenset[str]) -> bool:
        """Make the session as new as it was, or replace it. False when the database cannot be reached any more.

        Args:
            settings: custom settings that must not have been touched: one that was set and reset is the empty string,
                where a new session has null.
        """
        import psycopg
        from psycopg import pq

        pgconn = self.connection.pgconn
        try:
            if pgconn.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR):
                pgconn.exec_(b"rollback")
            touched = _TOUCHED.format(settings="{" + ",".join(sorted(settings)) + "}")  # their names need no quotes
            if not self._own:
                state = self._row(f"{_RESET} select {touched}")
            else:
                reset = self._row(_RESET + _SHOW_COUNTERS)
                state = reset and self._row(f"select {touched}, {_COMMITS} {_HERE}")
                if state is not None:
                    self._look_for_changes(int(state.get_value(0, 1) or 0))
            if state is None or state.get_value(0, 0) != b"f":
                self.connection.close()
                self.connection = self._connect()
                self._expected_commits = None
        except psycopg.OperationalError:
            return False
        return True

    def _look_for_changes(self, commits: int) -> None:
        """Count rows after a transaction has committed that is not ours; a file that rolled back costs no scan."""
        expected, self._expected_commits = self._expected_commits, commits + _OWN_COMMITS
        if commits == expected:
            return
        self._expected_commits += 1  # for this count
        counted = self._row(LIVE_ROWS)
        rows = None if counted is None else int(counted.get_value(0, 0) or 0)
        if self._fresh_rows is None:
            self._fresh_rows = rows
        self.changed = rows is None or rows != self._fresh_rows

    def _connect(self) -> psycopg.Connection[Any]:
        connection = connect(self._conninfo)
        connection.pgconn.exec_(_WARM_UP)  # where it may not, tests run all the same
        return connection

    def _row(self, sql: str) -> PGresult | None:
        """Result of the last statement, None when one failed."""
        from psycopg import pq

        result = self.connection.pgconn.exec_(sql.encode())
        return result if result.status == pq.ExecStatus.TUPLES_OK else None


def connect(conninfo: str) -> psycopg.Connection[Any]:
    import psycopg

    # Nothing is prepared behind the back of a file that may say `deallocate all`.
    return psycopg.connect(conninfo, autocommit=True, application_name="dbkit test", prepare_threshold=None)

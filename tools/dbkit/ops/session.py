"""The connection of an operator's command: to a database that is named, and that has core."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbkit.conninfo import cannot_connect, parse, refuse_old_server
from dbkit.deadline import cut_at
from dbkit.errors import DbkitError
from dbkit.worker.client import LIVELY

if TYPE_CHECKING:
    import psycopg

__all__ = ["beside", "bounded", "connect"]

# For the answer to whether what is needed is there.
FIRST_SECONDS = 10
# How much longer than the server's own limit we wait for it to keep that.
PATIENCE_SECONDS = 3
_LIMITS = "select set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)"
_EXISTS = "select coalesce(to_regclass(%(name)s)::oid, to_regproc(%(name)s)::oid)"


@contextmanager
def connect(url: str, needs: str, *, who: str = "a login that may") -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection in autocommit mode.

    Args:
        url: connection string; its connect_timeout wins over ours.
        needs: relation or function of core without which the caller has nothing to do, such as `core.cron_status`.
        who: as whom to connect, for the hint where this login may not do what the block does.

    Raises:
        DbkitError: the server cannot be reached, `needs` is not there, the login may not, or the block wrote and
            the server only reads.
    """
    import psycopg

    # What becomes of a connection is ours to say, also where psycopg could not roll back on one that is lost.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    options: dict[str, Any] = {"application_name": "dbkit", **LIVELY, **parse(url)}
    try:
        connection = psycopg.connect(
            **options,
            autocommit=True,
            # Behind a transaction pooler a statement prepared on one server connection does not exist on the next.
            prepare_threshold=None,
        )
    except psycopg.OperationalError as error:
        raise cannot_connect(url, str(error)) from None
    with connection:
        refuse_old_server(connection.info.server_version)
        with bounded(connection, FIRST_SECONDS):
            found = connection.execute(_EXISTS, {"name": needs}).fetchone()
        if found == (None,):
            raise DbkitError(
                f"{needs} is not in this database",
                detail="The command works with the tables and functions of module core.",
                hint="Run: dbkit migrate apply core",
            )
        try:
            yield connection
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise DbkitError(
                "this server only reads",
                detail=f"{error.diag.message_primary}.",
                hint="It is a standby, or default_transaction_read_only is on: connect to the primary.",
            ) from None
        except psycopg.errors.InsufficientPrivilege as error:
            raise DbkitError(
                f"the login {connection.info.user} may not do this",
                detail=f"{error.diag.message_primary}.",
                hint=f"Connect as {who}.",
            ) from None


def beside(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A second connection of the same login, in autocommit mode, for what must outlast a transaction of the first.

    Raises:
        psycopg.OperationalError: the server cannot be reached any more, or has no room.
    """
    import psycopg

    info = connection.info
    second = psycopg.connect(info.dsn, password=info.password or None, autocommit=True, prepare_threshold=None)
    # Idle in a transaction it must hold no snapshot: VACUUM would leave what that can still see.
    second.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    return second


@contextmanager
def bounded(
    connection: psycopg.Connection[Any], seconds: float, lock_seconds: float | None = None
) -> Iterator[psycopg.Connection[Any]]:
    """A transaction with a time limit, that of a server which hangs included.

    The limits are the transaction's own: one of the session would stay behind in a server process that a transaction
    pooler gives to others next.

    Args:
        connection: in autocommit mode; of no use any more where the server did not answer.
        seconds: what a statement may take.
        lock_seconds: what it may wait for a lock, where that is less.

    Raises:
        DbkitError: the server did not answer.
    """
    import psycopg

    deadline = time.monotonic() + seconds + PATIENCE_SECONDS
    try:
        with cut_at(deadline, connection.fileno()), connection.transaction():
            connection.execute(_LIMITS, (f"{seconds}s", f"{lock_seconds or seconds}s"))
            yield connection
    except psycopg.OperationalError:
        if not connection.broken or time.monotonic() < deadline:
            raise
        raise DbkitError(
            "the server does not answer",
            detail=f"It let us in, and said nothing more for {seconds + PATIENCE_SECONDS:g} s.",
            hint="Look at the server's host: its disk, its load, and what lies between.",
        ) from None

"""One runner at a time: a session advisory lock that is polled, never waited for.

A session that waits inside pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY of the lock's holder waits
for that snapshot: a deadlock. Asking with pg_try_advisory_lock and sleeping in between holds nothing.

The lock lives on the connection that migrates. If that connection dies, the server frees the lock, but not before the
last statement has ended: whoever gets the lock finds nothing of the former run still at work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dbkit.errors import DbkitError
from dbkit.migrate.session import ServerError, Session

__all__ = ["LOCK_KEY", "holder", "pools_transactions", "refuse_pooler", "run_lock"]

# Any number will do as long as every dbkit uses the same; "dbkit" in ASCII, times 256.
LOCK_KEY = int.from_bytes(b"dbkit\0", "big")
_POLL = 0.2

# An advisory lock of one bigint key shows in pg_locks as its two halves.
_HOLDER = f"""
select a.pid, coalesce(a.application_name, ''), coalesce(a.usename, ''), coalesce(host(a.client_addr), 'local socket'),
       to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), coalesce(a.state, '')
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
    and l.database = (select oid from pg_database where datname = current_database())
    and l.classid = {LOCK_KEY >> 32} and l.objid = {LOCK_KEY & 0xFFFFFFFF}
"""


@contextmanager
def run_lock(session: Session, wait: float, say: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the run lock of the session's database.

    Args:
        wait: seconds to wait for another runner.
        say: gets one line when the wait begins.

    Raises:
        DbkitError: another runner still holds it after `wait` seconds; names that session.
    """
    import random

    deadline = time.monotonic() + wait
    announced = False
    while session.value(f"select pg_try_advisory_lock({LOCK_KEY})") != "t":
        who = holder(session)
        if time.monotonic() >= deadline:
            raise DbkitError(
                "another dbkit run holds the migration lock",
                detail=f"{who or 'It ended just now'}. Waited {wait:g} s.",
                hint="Wait for that run, or raise [migrations] wait. To end it: select pg_terminate_backend(<pid>).",
            )
        if not announced and say is not None:
            say(f"waiting up to {wait:g} s for the migration lock: {who or 'its holder is just ending'}")
            announced = True
        # Jitter keeps two waiters from asking in step.
        time.sleep(min(_POLL * random.uniform(0.5, 1.5), max(0.0, deadline - time.monotonic())))
    try:
        yield
    finally:
        if session.alive and not session.in_transaction:
            session.run(f"select pg_advisory_unlock({LOCK_KEY})")


def holder(session: Session) -> str | None:
    """Who holds the run lock of this database, as a sentence part; None when nobody does."""
    rows = session.rows(_HOLDER)
    if not rows:
        return None
    pid, application, user, client, since, state = rows[0]
    return (
        f"pid {pid}, application {application or 'unnamed'}, user {user}, client {client}, connected {since}, {state}"
    )


def refuse_pooler(session: Session) -> None:
    """Refuse a connection whose server process may change between transactions.

    Raises:
        DbkitError: a transaction pooler.
    """
    if pools_transactions(session):
        raise DbkitError(
            "the database is reached through a transaction pooler",
            detail="Two transactions of one connection may run in different server processes, so neither the run lock"
            " nor CREATE INDEX CONCURRENTLY is safe.",
            hint="Give the direct connection string of the server (port 5432 as a rule, not the pooler's).",
        )


def pools_transactions(session: Session) -> bool:
    """Whether a transaction pooler stands between us and the server.

    libpq was told the server's process id when it connected. Through a pooler that id is the pooler's invention, so
    a different id means a pooler. Whether it pools sessions (harmless) or transactions shows when a second
    connection occupies the server process that served the first one last.
    """
    first = session.value("select pg_backend_pid()")
    if first == str(session.pgconn.backend_pid):
        return False
    with Session.connect(session.conninfo) as other:
        other.run("begin")
        try:
            shared = other.value("select pg_backend_pid()") == first
            again = _with_timeout(session, "select pg_backend_pid()") if not shared else None
        finally:
            other.rollback()
    return shared or again != first


def _with_timeout(session: Session, query: str) -> str | None:
    """The value of a query, None when the pooler cannot find a free server process for it within three seconds."""

    class _TooLong(Exception):
        pass

    def give_up(waited: float) -> None:
        if waited > 3:
            raise _TooLong

    try:
        rows = session.run(query, give_up).last
    except _TooLong:
        session.close()
        return None
    except ServerError:
        return None
    value = rows.get_value(0, 0) if rows is not None else None
    return value.decode() if value is not None else None

"""Tell a direct connection from a transaction pooler, through which session locks and settings do not hold."""

from __future__ import annotations

import secrets

from dbkit.errors import DbkitError

__all__ = ["is_transaction_pooler", "refuse_transaction_pooler"]


def is_transaction_pooler(conninfo: str) -> bool:
    """True when two connections of ours may meet in one server session, or one of ours in two.

    A session advisory lock taken through a pooler belongs to whichever backend served that transaction. So: take one
    on a first connection, and ask a second one for it while the first is idle. A direct server refuses; a pooler that
    hands the second connection the same backend grants it. A pooler may also use another backend, so the first
    connection's backend is compared over several transactions too.
    """
    import psycopg

    key = secrets.randbelow(1 << 62)
    with psycopg.connect(conninfo, autocommit=True) as first, psycopg.connect(conninfo, autocommit=True) as second:
        # prepare=False: a pooler may not know prepared statements, which is not what is asked here
        backend = first.execute("select pg_backend_pid()", prepare=False).fetchone()
        first.execute(f"select pg_advisory_lock({key})", prepare=False)
        try:
            for _ in range(5):
                granted = second.execute(f"select pg_try_advisory_lock({key})", prepare=False).fetchone()
                if granted and granted[0]:
                    second.execute(f"select pg_advisory_unlock({key})", prepare=False)
                    return True
                if first.execute("select pg_backend_pid()", prepare=False).fetchone() != backend:
                    return True
            return False
        finally:
            first.execute(f"select pg_advisory_unlock({key})", prepare=False)


def refuse_transaction_pooler(conninfo: str) -> None:
    """Raise when `conninfo` leads through a transaction pooler.

    Raises:
        DbkitError: it does; migrations, locks and throw-away databases need a session of their own.
    """
    if is_transaction_pooler(conninfo):
        raise DbkitError(
            "connection goes through a transaction pooler",
            detail="A session lock taken on one connection was not kept, so one runner could not exclude another.",
            hint="Use the server's direct address (its own port, usually 5432) for this command.",
        )

"""`--in-place`: attack the given database itself, which it must allow by carrying our marker.

The marker is the comment that dbkit puts on every database it makes (`dbkit disposable …`). Whoever has a throw-away
database of their own can put it there by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbkit.config import Config, required_database_url
from dbkit.conninfo import cannot_connect
from dbkit.errors import DbkitError
from dbkit.leak.clone import Disposable
from dbkit.postgres.server import MARKER
from dbkit.tenancy.declaration import Declaration

__all__ = ["marked_database"]

_FACTS = """
select current_database(), quote_ident(current_database()), shobj_description(d.oid, 'pg_database'),
    current_user, quote_ident(current_user), r.rolsuper
from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user
"""


@contextmanager
def marked_database(config: Config, declaration: Declaration, database: str | None) -> Iterator[Disposable]:
    """The given database, to be attacked as it is; the rows that the proof makes stay in it.

    Args:
        database: connection string; None takes the configured one.

    Raises:
        DbkitError: no database is given, it cannot be reached, it has no marker, or the login is no superuser.
    """
    import psycopg

    url = required_database_url(config, database)
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            facts = connection.execute(_FACTS).fetchone()
    except psycopg.OperationalError as error:
        raise cannot_connect(url, str(error)) from None
    assert facts is not None  # we are connected to it, so it is in pg_database
    name, quoted, comment, user, quoted_user, superuser = facts
    if not (comment or "").startswith(MARKER):
        raise DbkitError(
            f"database is not marked as disposable: {name}",
            detail="--in-place makes rows in it and attacks them, which a database must allow by its comment.",
            hint="Leave --in-place out to attack a copy; or, if it may be thrown away, run: "
            f"comment on database {quoted} is '{MARKER}';",
        )
    if not superuser:
        raise DbkitError(
            f"login is no superuser: {user}",
            detail="--in-place turns into every app role, makes rows past every policy and compares with what an "
            "administrator sees.",
            hint=f"Connect as a superuser, or run as one: alter role {quoted_user} superuser;",
        )
    yield Disposable(url, declaration, config.isolation if declaration.source == str(config.path) else None)

"""The connection of an operator's command: to a database that is named, and that has core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbkit.conninfo import cannot_connect, parse, refuse_old_server
from dbkit.errors import DbkitError

if TYPE_CHECKING:
    import psycopg

__all__ = ["connect"]

CONNECT_SECONDS = 10
_EXISTS = "select coalesce(to_regclass(%(name)s)::oid, to_regproc(%(name)s)::oid)"


@contextmanager
def connect(url: str, needs: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection in autocommit mode.

    Args:
        url: connection string; its connect_timeout wins over ours.
        needs: relation or function of core without which the caller has nothing to do, such as `core.cron_status`.

    Raises:
        DbkitError: the server cannot be reached, or `needs` is not there.
    """
    import psycopg

    own = parse(url)
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name=own.get("application_name", "dbkit"),
            connect_timeout=own.get("connect_timeout", CONNECT_SECONDS),
        )
    except psycopg.OperationalError as error:
        raise cannot_connect(url, str(error)) from None
    with connection:
        refuse_old_server(connection.info.server_version)
        found = connection.execute(_EXISTS, {"name": needs})
        if found.fetchone() == (None,):
            raise DbkitError(
                f"{needs} is not in this database",
                detail="The command works with the tables and functions of module core.",
                hint="Run: dbkit migrate apply core",
            )
        yield connection

"""`core.health_check` asked from outside: what a container's health probe or a deployment waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbkit.errors import DbkitError
from dbkit.ops.session import bounded, connect

__all__ = ["Health", "ask_next", "check"]

# service -> what shows why it is unhealthy, to a login that may see more than the answer
_ASK_NEXT = {
    "cache": "dbkit top --once",
    "cron": "dbkit cron list",
    "database": "dbkit top --once",
    "migrations": "dbkit migrate verify",
    "queue": "dbkit jobs stats",
}

# A database that is busy is not healthy: the answer takes milliseconds.
_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of core.health_check.

    Attributes:
        status: healthy or degraded.
        code: the HTTP status an endpoint would give, 200 or 503.
        services: service -> healthy or unhealthy.
        timestamp: the server's clock, ISO 8601.
    """

    status: str
    code: int
    services: dict[str, str]
    timestamp: str

    def as_dict(self) -> dict[str, Any]:
        return {"status": self.status, "code": self.code, "timestamp": self.timestamp, "services": self.services}


def ask_next(services: Mapping[str, str]) -> list[str]:
    """Commands that show why services are unhealthy.

    Args:
        services: service -> healthy or unhealthy.
    """
    ill = sorted(name for name, state in services.items() if state != "healthy")
    return list(dict.fromkeys(_ASK_NEXT[name] for name in ill if name in _ASK_NEXT))


def check(url: str) -> Health:
    """Ask the database.

    Raises:
        DbkitError: it cannot be reached, has no core, or does not answer in time.
    """
    import psycopg

    with connect(url, needs="core.health_check") as connection:
        try:
            with bounded(connection, _SECONDS):
                row = connection.execute("select core.health_check()").fetchone()
        except psycopg.errors.QueryCanceled:
            raise DbkitError(
                "the database is too busy to say how it is",
                detail=f"core.health_check takes milliseconds, and was not done after {_SECONDS:g} s.",
                hint="See what it is busy with: dbkit top --once",
            ) from None
    assert row is not None
    answer = row[0]
    return Health(answer["status"], answer["code"], answer["services"], answer["timestamp"])

"""What every test of sessions that meet begins with: tenants that are there, threads let go together, one value."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

import psycopg

__all__ = ["at_once", "found_tenants", "scalar"]

T = TypeVar("T")


def found_tenants(conninfo: str, **tenants: tuple[UUID, UUID]) -> None:
    """Make tenants and the people who own them, committed.

    Args:
        tenants: name, also the owner's -> tenant and owner.
    """
    with psycopg.connect(conninfo) as admin:
        for name, (tenant, owner) in tenants.items():
            admin.execute(
                "insert into core.users (id, auth_subject, email, name) values (%s, %s, %s, %s)",
                (owner, name, f"{name}@example.test", name),
            )
            admin.execute(
                "insert into core.tenants (id, system, name, owner_user_id) values (%s, 'crm', %s, %s)",
                (tenant, name, owner),
            )
            admin.execute(
                "insert into core.memberships (tenant_id, user_id, role_key) values (%s, %s, 'OWNER')", (tenant, owner)
            )


def at_once(times: int, work: Callable[[int], T]) -> list[T]:
    """Run `work(0 … times - 1)` in as many threads, all let go together."""
    start = Barrier(times)

    def one(number: int) -> T:
        start.wait(timeout=60)
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def scalar(connection: psycopg.Connection[Any], query: str, parameters: tuple[object, ...] = ()) -> Any:
    """The first column of the first row."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]

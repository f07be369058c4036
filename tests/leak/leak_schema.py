"""The declaration of `clean.sql`, and a way to run SQL on a copy of it."""

from __future__ import annotations

from typing import Any

TENANCY: dict[str, Any] = {
    "app_roles": ["leak_app"],
    "context": ["select app.set_context({user}, {tenant})"],
    "tenants": "app.tenants.id",
    "columns": ["tenant_id"],
    "memberships": "app.memberships(user_id, tenant_id)",
}


def execute(conninfo: str, sql: str) -> None:
    """Run SQL text as it is, in one transaction."""
    import psycopg

    with psycopg.connect(conninfo) as connection:
        connection.execute(sql)  # type: ignore[call-overload]

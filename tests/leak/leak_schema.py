"""The declaration of `clean.sql`, and a way to run SQL on a copy of it."""

from __future__ import annotations

import json
from pathlib import Path
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


def tenancy_file(folder: Path, **keys: Any) -> Path:
    """A tenancy.toml that holds these keys."""
    file = folder / "tenancy.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    file.write_text("[tenancy]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return file

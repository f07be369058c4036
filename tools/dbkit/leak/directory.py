"""PRIV-03: registries that are meant to be read by everybody, as far as they name their tenants and no further.

A directory shows by its grants that it is meant: its policy admits every row, and the role holds SELECT on the columns
that name a tenant only. One column more, or a grant on the whole table, and it is a leak like any other.
"""

from __future__ import annotations

import re

from dbkit.tenancy.model import Model, TableModel
from dbkit.tenancy.relations import Role, Table

__all__ = ["directory_columns", "is_directory", "names_only"]

_NAMING = re.compile(
    r"^(?:(?:display|public|short|full|company|org|organi[sz]ation|tenant|workspace|team|shop|store)_?)?"
    r"(?:name|title|label|slug|handle|logo|logo_url|avatar|avatar_url|website|url|description|headline|about|bio"
    r"|city|country|country_code|region|timezone|time_zone|locale|language|category|industry|opening_hours)$"
)


def names_only(table: Table, key: str | None, columns: frozenset[str] | set[str]) -> bool:
    """Whether the columns are the key and what a tenant is called, nothing else."""
    naming = {name for name in columns if _NAMING.match(name)}
    return bool(naming) and columns - naming <= {key, *table.primary_key}


def is_directory(model: Model, role: Role, table: TableModel) -> bool:
    """Whether the role is shown every tenant of the registry by name, on purpose."""
    catalog = table.table
    if model.registry is None or model.registry[0] != catalog.qualified:
        return False
    roles = {"public", role.name, *role.may_become}
    open_to_all = any(
        policy.permissive
        and policy.command in ("select", "all")
        and policy.using == "true"
        and roles & set(policy.roles)
        for policy in catalog.policies
    )
    held = model.relations.privileges[role.name, catalog.qualified]
    columns = held.columns.get("select", frozenset())
    return open_to_all and "select" not in held.table and names_only(catalog, table.column, columns)


def directory_columns(model: Model, role: Role, table: TableModel) -> str:
    held = model.relations.privileges[role.name, table.table.qualified]
    return ", ".join(name for name in table.table.columns if name in held.columns.get("select", frozenset()))

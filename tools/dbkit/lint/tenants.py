"""Which tables belong to tenants, as the declared model says: the linter's view of `[tenancy]`.

Without a declaration the default tenant columns decide by name, which is what makes the rules useful on a schema
nobody has described yet.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from dbkit.config import Config
from dbkit.lint.model import Key, Table

__all__ = ["DEFAULT_COLUMNS", "Tenants", "load_tenants"]

# Words of role names.
_OWNERS = frozenset({"owner", "definer", "migrator", "migrations", "migration", "postgres", "dba", "superuser"})
_TRUSTED = (
    _OWNERS
    | {"admin", "administrator", "backup", "batch", "cron", "etl", "internal", "job", "jobs", "maintenance", "ops"}
    | {"replication", "replicator", "service", "system", "worker", "workers"}
)

DEFAULT_COLUMNS = ("tenant_id", "organization_id", "company_id", "owner_user_id")


class Tenants(NamedTuple):
    """The declared model as far as a linter asks it.

    Attributes:
        declared: False when the column names are a guess.
        columns: default names of the tenant column, in order of preference.
        schemas: schema -> its tenant column.
        tables: table -> its tenant column.
        exempt: tables shared by all tenants, or internal; they have no tenant column.
        internal: the tables no application role reaches.
        registry: the table of tenants itself.
        app_roles: roles that requests run as.
        definers: the reviewed SECURITY DEFINER functions; empty for no list.
    """

    declared: bool = False
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    schemas: Mapping[str, str] = MappingProxyType({})
    tables: Mapping[Key, str] = MappingProxyType({})
    exempt: frozenset[Key] = frozenset()
    internal: frozenset[Key] = frozenset()
    registry: Key | None = None
    app_roles: frozenset[str] = frozenset()
    definers: frozenset[str] = frozenset()

    def is_trusted(self, role: str) -> bool:
        """Whether a role is one that maintains the database and may see every tenant, by its name.

        Owners, definers, migrators, admins, jobs: no role that requests run as. A declared app role never is one.
        """
        return role not in self.app_roles and not _TRUSTED.isdisjoint(_words(role))

    def is_owner(self, role: str) -> bool:
        """Whether a role owns the objects, or acts for their owner, by its name."""
        return role not in self.app_roles and not _OWNERS.isdisjoint(_words(role))

    def column(self, table: Table) -> str | None:
        """The tenant column of a table, None for a table that belongs to no tenant.

        A name in `tables` beats the schema's column, which beats the default names; the table must have the column.
        """
        return None if table.kind == "matview" else self.column_among(table.key, table.columns)

    def column_among(self, key: Key, columns: Collection[str]) -> str | None:
        """`column` for a table that is known by its name and the names of its columns."""
        if key in self.exempt:
            return None
        named = self.tables.get(key)
        if named is not None:
            return named
        if key == self.registry:
            return None
        own = self.schemas.get(key[0])
        if own is not None and own in columns:
            found = own
        else:
            for column in self.columns:
                if column in columns:
                    found = column
                    break
            else:
                return None
        return None if not self.declared and _lists_tenants(key[1], found) else found


@lru_cache(maxsize=1024)
def _words(role: str) -> tuple[str, ...]:
    """Of a role's name; the same few roles are asked about by every grant and policy."""
    return tuple(re.split(r"[\W_]+", role.lower()))


def load_tenants(config: Config) -> Tenants:
    """Read the declared model; the default names where nothing is declared.

    Raises:
        DbkitError: a key or value of `[tenancy]` that dbkit does not know.
    """
    if config.tenancy is None:
        return Tenants()
    from dbkit.tenancy.declaration import load_declaration

    declared = load_declaration(config)
    internal = frozenset(_key(name) for name in declared.internal)
    return Tenants(
        declared=True,
        columns=declared.columns or DEFAULT_COLUMNS,
        schemas=declared.schemas,
        tables={_key(name): column for name, column in declared.tables.items()},
        exempt=frozenset(_key(name) for name in declared.shared) | internal,
        internal=internal,
        app_roles=frozenset(declared.app_roles),
        definers=frozenset(name.partition("(")[0] for name in declared.definers),
        registry=_key(declared.tenants.rpartition(".")[0]) if declared.tenants else None,
    )


def _lists_tenants(table: str, column: str) -> bool:
    """Whether a table, by its name, lists the tenants themselves: organizations, whose rows have an owner_user_id.

    A table of companies that has an organization_id is one of a tenant's tables like any other.
    """
    return table in _TABLES_OF_TENANTS[column]


# Names a table of tenants has where others point at it by that column.
_TABLES_OF = {
    "tenant_id": ("tenant", "tenants"),
    "organization_id": ("organization", "organizations"),
    "company_id": ("company", "companies"),
}
# The same for that column and those preferred to it.
_TABLES_OF_TENANTS = {
    column: frozenset(table for better in DEFAULT_COLUMNS[: place + 1] for table in _TABLES_OF.get(better, ()))
    for place, column in enumerate(DEFAULT_COLUMNS)
}


def _key(name: str) -> Key:
    schema, _, table = name.rpartition(".")
    return schema or "public", table

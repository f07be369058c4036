"""What a snapshot is made of: plain dataclasses, one for each kind of object, comparable and JSON serialisable.

Names used as keys are SQL text: `schema.name`, quoted where SQL needs it. `name`, `schema`, column names and role
names are raw catalog text. Fields marked `DERIVED` help readers of a snapshot (leak proof, catalog lint, docs) but say
nothing that another field does not say; drift leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from dbkit.catalog.grants import DERIVED, PUBLIC, Acl, Grant
from dbkit.catalog.objects import (
    CronJob,
    Database,
    DefaultPrivileges,
    Domain,
    Extension,
    Function,
    Membership,
    OtherObject,
    Role,
    Schema,
    Sequence,
    Statistics,
    Type,
)
from dbkit.catalog.relations import (
    Column,
    Constraint,
    Index,
    Policy,
    Relation,
    Rule,
    Table,
    Trigger,
    View,
)

__all__ = [
    "DERIVED",
    "PUBLIC",
    "Acl",
    "Column",
    "Constraint",
    "CronJob",
    "Database",
    "DefaultPrivileges",
    "Domain",
    "Extension",
    "Function",
    "Grant",
    "Index",
    "Membership",
    "OtherObject",
    "Policy",
    "Relation",
    "Role",
    "Rule",
    "Schema",
    "Sequence",
    "Snapshot",
    "Statistics",
    "Table",
    "Trigger",
    "Type",
    "View",
]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One normalized picture of a database.

    Objects that belong to an extension are left out; the extension stands for them.

    Attributes:
        roles: every role of the cluster.
        types: enums, composites, ranges and base types; domains have their own field.
        others: keyed `kind name`.
        cron_jobs: keyed `source name`; a source is absent when its table is.
        excluded_schemas: schemas that exist and were left out.
    """

    database: Database
    schemas: dict[str, Schema] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    extensions: dict[str, Extension] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    statistics: dict[str, Statistics] = field(default_factory=dict)
    default_privileges: dict[str, DefaultPrivileges] = field(default_factory=dict)
    others: dict[str, OtherObject] = field(default_factory=dict)
    cron_jobs: dict[str, CronJob] = field(default_factory=dict)
    cron_sources: tuple[str, ...] = ()
    excluded_schemas: tuple[str, ...] = ()

    def relation(self, key: str) -> Table | View | None:
        """The table or view with this key."""
        return self.tables.get(key) or self.views.get(key)

    def relations(self) -> Iterator[Table | View]:
        """Every table, then every view."""
        yield from self.tables.values()
        yield from self.views.values()

    def of_kind(self, kind: str) -> dict[str, OtherObject]:
        """The other objects of one kind by name, e.g. `of_kind("publication")`."""
        return {item.name: item for item in self.others.values() if item.kind == kind}

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers, ready for json.dumps."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value

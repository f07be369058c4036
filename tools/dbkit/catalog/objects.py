"""Everything of a snapshot that is not a table or a view: roles, schemas, types, functions, sequences, rarer kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dbkit.catalog.grants import DERIVED, Acl
from dbkit.catalog.relations import Column, Constraint

__all__ = [
    "CronJob",
    "Database",
    "DefaultPrivileges",
    "Domain",
    "Extension",
    "Function",
    "Membership",
    "OtherObject",
    "Role",
    "Schema",
    "Sequence",
    "Statistics",
    "Type",
]


@dataclass(frozen=True, slots=True)
class Database:
    """The database itself and its server. Environment, not schema: never compared.

    Attributes:
        settings: role name or "" for every role -> `name=value` entries of ALTER DATABASE/ROLE IN DATABASE … SET.
    """

    name: str
    owner: str
    server_version: str
    server_version_num: int
    encoding: str
    collation: str
    acl: Acl
    comment: str | None = None
    settings: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Membership:
    """`role` is a member of `group`. On 15 `inherit` is the member's own INHERIT attribute and `set` is always true."""

    role: str
    group: str
    admin: bool = False
    inherit: bool = True
    set: bool = True


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the cluster.

    Attributes:
        config: `name=value` entries of ALTER ROLE … SET, for every database.
        member_of: the groups it is in directly, all facts of each membership.
        referenced: owns, is granted or is named by a policy of something in this snapshot; drift compares only these.
    """

    name: str
    superuser: bool
    bypass_rls: bool
    login: bool
    inherit: bool
    create_role: bool
    create_db: bool
    replication: bool
    connection_limit: int
    config: tuple[str, ...]
    comment: str | None
    member_of: tuple[Membership, ...] = ()
    referenced: bool = field(default=False, metadata=DERIVED)


@dataclass(frozen=True, slots=True)
class Schema:
    name: str
    owner: str
    acl: Acl
    comment: str | None


@dataclass(frozen=True, slots=True)
class Extension:
    name: str
    version: str
    schema: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence.

    Attributes:
        owned_by: `schema.table.column` it goes away with.
        identity: belongs to an identity column.
    """

    key: str = field(metadata=DERIVED)
    schema: str = field(metadata=DERIVED)
    name: str = field(metadata=DERIVED)
    owner: str
    acl: Acl
    comment: str | None
    persistence: str
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool
    owned_by: str | None
    identity: bool


@dataclass(frozen=True, slots=True)
class Domain:
    key: str = field(metadata=DERIVED)
    schema: str = field(metadata=DERIVED)
    name: str = field(metadata=DERIVED)
    base_type: str
    not_null: bool
    default: str | None
    collation: str | None
    owner: str
    acl: Acl
    comment: str | None
    constraints: dict[str, Constraint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Type:
    """An enum, composite, range, base or shell type.

    Attributes:
        labels: of an enum, in order.
        columns: of a composite; their order counts, since rows of it are stored and written by position.
        definition: of a range or base type, part -> text.
    """

    key: str = field(metadata=DERIVED)
    schema: str = field(metadata=DERIVED)
    name: str = field(metadata=DERIVED)
    kind: str
    owner: str
    acl: Acl
    comment: str | None
    labels: tuple[str, ...]
    definition: dict[str, Any]
    columns: dict[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Function:
    """A function, procedure, aggregate or window function.

    Attributes:
        key: `schema.name(argument types)`.
        arguments: names, modes, types and defaults.
        returns: result type, None for a procedure.
        volatility: "immutable", "stable" or "volatile".
        parallel: "safe", "restricted" or "unsafe".
        config: `name=value` of SET clauses.
        body: source text, or the deparsed BEGIN ATOMIC/RETURN body.
        aggregate: parts of an aggregate.
        statement: CREATE OR REPLACE text, None for an aggregate.
        argument_types, argument_names: of the input arguments, "" for an unnamed one.
    """

    key: str = field(metadata=DERIVED)
    schema: str = field(metadata=DERIVED)
    name: str = field(metadata=DERIVED)
    kind: str
    owner: str
    acl: Acl
    comment: str | None
    arguments: str
    returns: str | None
    language: str
    volatility: str
    parallel: str
    security_definer: bool
    leakproof: bool
    strict: bool
    cost: float
    rows: float
    config: tuple[str, ...]
    support: str | None
    transforms: tuple[str, ...]
    library: str | None
    body: str | None
    aggregate: dict[str, Any] | None
    statement: str | None = field(metadata=DERIVED)
    argument_types: tuple[str, ...] = field(metadata=DERIVED)
    argument_names: tuple[str, ...] = field(metadata=DERIVED)

    @property
    def setting(self) -> dict[str, str]:
        """The SET clauses by name."""
        return dict(entry.split("=", 1) for entry in self.config)


@dataclass(frozen=True, slots=True)
class Statistics:
    """An extended statistics object.

    Attributes:
        kinds: "dependencies", "mcv", "ndistinct"; empty for a single expression.
        columns: sorted, since the server keeps them in the table's column order.
        target: None is the default.
        statement: CREATE STATISTICS text.
    """

    key: str = field(metadata=DERIVED)
    relation: str
    kinds: tuple[str, ...]
    columns: tuple[str, ...]
    expressions: tuple[str, ...]
    owner: str
    target: int | None
    comment: str | None
    statement: str = field(metadata=DERIVED)


@dataclass(frozen=True, slots=True)
class DefaultPrivileges:
    """ALTER DEFAULT PRIVILEGES of one role for one kind of object.

    Attributes:
        schema: None for every schema; then `acl` replaces the built-in defaults, else it adds to them.
        objects: "tables", "sequences", "functions", "types", "schemas" or "large objects".
    """

    role: str = field(metadata=DERIVED)
    schema: str | None = field(metadata=DERIVED)
    objects: str = field(metadata=DERIVED)
    acl: Acl


@dataclass(frozen=True, slots=True)
class CronJob:
    """A row of cron.job (pg_cron) or core.cron_jobs without what changes by itself (ids, times, database)."""

    source: str = field(metadata=DERIVED)
    name: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OtherObject:
    """Kinds that nobody needs by attribute: casts, operators, text search, foreign servers, publications, …

    Attributes:
        kind: "cast", "operator", "event trigger", "publication", "foreign server", "privileges on extension object", …
        name: as SQL names it.
        definition: part -> value; values of options that may hold a secret are not kept.
    """

    kind: str = field(metadata=DERIVED)
    name: str
    owner: str | None
    acl: Acl
    comment: str | None
    definition: dict[str, Any]

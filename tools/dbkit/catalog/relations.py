"""Tables and views of a snapshot and what hangs on them: columns, constraints, indexes, triggers, policies, rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from dbkit.catalog.grants import DERIVED, Acl

__all__ = [
    "Column",
    "Constraint",
    "Index",
    "Policy",
    "Relation",
    "Rule",
    "Table",
    "Trigger",
    "View",
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, view or composite type.

    Attributes:
        type: as SQL writes it, qualified outside pg_catalog, with modifiers.
        default: expression text; for a generated column its expression.
        generated: "stored", "virtual" or "".
        identity: "always", "by default" or "".
        collation, storage, compression: None unless different from what the type gives.
        statistics_target: None for the default.
        inherited: defined by a parent table only.
        acl: column privileges; empty when none were granted by column.
        position: attnum; order is not schema, so it is not compared.
        type_key: the type without modifiers, key of Snapshot.domains or Snapshot.types where it is one.
    """

    name: str
    type: str
    not_null: bool
    default: str | None
    generated: str
    identity: str
    collation: str | None
    storage: str | None
    compression: str | None
    statistics_target: int | None
    options: tuple[str, ...]
    foreign_options: tuple[str, ...]
    inherited: bool
    acl: Acl
    comment: str | None
    position: int = field(metadata=DERIVED)
    type_key: str = field(metadata=DERIVED)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table or domain.

    Attributes:
        kind: "primary key", "unique", "foreign key", "check", "exclusion" or "not null" (18 and later).
        definition: everything after CONSTRAINT name, with DEFERRABLE, NO INHERIT, NOT VALID, NOT ENFORCED.
        inherited: exists because a parent table has it.
        columns: its columns in key order.
        expression: of a CHECK.
        references, referenced_columns, on_delete, on_update, match: of a foreign key.
        index: name of the index behind it.
    """

    name: str
    kind: str
    definition: str
    validated: bool
    inherited: bool
    comment: str | None
    deferrable: bool = field(metadata=DERIVED)
    deferred: bool = field(metadata=DERIVED)
    enforced: bool = field(metadata=DERIVED)
    columns: tuple[str, ...] = field(default=(), metadata=DERIVED)
    expression: str | None = field(default=None, metadata=DERIVED)
    references: str | None = field(default=None, metadata=DERIVED)
    referenced_columns: tuple[str, ...] = field(default=(), metadata=DERIVED)
    on_delete: str | None = field(default=None, metadata=DERIVED)
    on_update: str | None = field(default=None, metadata=DERIVED)
    match: str | None = field(default=None, metadata=DERIVED)
    index: str | None = field(default=None, metadata=DERIVED)


@dataclass(frozen=True, slots=True)
class Index:
    """An index.

    Attributes:
        key: `schema.name`; an index lives in the schema of its table.
        definition: CREATE INDEX text with method, opclasses, collations, INCLUDE, NULLS NOT DISTINCT, WHERE.
        valid: False for what a failed CREATE INDEX CONCURRENTLY leaves behind.
        parent: index of the partitioned table it is attached to.
        statistics: (column number, target) of expression columns with ALTER INDEX … SET STATISTICS.
        columns: key columns in order, None where the key is an expression.
        keys: every key as SQL text, a column or an expression.
        include: INCLUDE columns.
        predicate: WHERE text of a partial index.
        constraint: name of the constraint it enforces.
    """

    key: str = field(metadata=DERIVED)
    name: str
    definition: str
    valid: bool
    clustered: bool
    tablespace: str | None
    parent: str | None
    statistics: tuple[str, ...]
    comment: str | None
    unique: bool = field(metadata=DERIVED)
    primary: bool = field(metadata=DERIVED)
    nulls_not_distinct: bool = field(metadata=DERIVED)
    method: str = field(metadata=DERIVED)
    columns: tuple[str | None, ...] = field(metadata=DERIVED)
    keys: tuple[str, ...] = field(metadata=DERIVED)
    include: tuple[str, ...] = field(metadata=DERIVED)
    opclasses: tuple[str, ...] = field(metadata=DERIVED)
    predicate: str | None = field(metadata=DERIVED)
    constraint: str | None = field(metadata=DERIVED)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger, internal ones (foreign keys) left out.

    Attributes:
        enabled: "origin" (the default), "disabled", "replica" or "always".
        inherited: cloned from the partitioned table's trigger.
        function: key of Snapshot.functions.
        timing: "before", "after" or "instead of".
        events: some of "insert", "update", "delete", "truncate".
    """

    name: str
    definition: str
    enabled: str
    inherited: bool
    comment: str | None
    function: str = field(metadata=DERIVED)
    timing: str = field(metadata=DERIVED)
    events: tuple[str, ...] = field(metadata=DERIVED)
    for_each_row: bool = field(metadata=DERIVED)


@dataclass(frozen=True, slots=True)
class Policy:
    """A row security policy.

    Attributes:
        command: "select", "insert", "update", "delete" or "all".
        roles: role names or `PUBLIC`, sorted.
        using, check: expression text, None when absent.
        reads: relations its expressions select from, its own table left out.
        calls: functions its expressions call, built-in ones left out.
    """

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None
    comment: str | None
    reads: tuple[str, ...] = field(default=(), metadata=DERIVED)
    calls: tuple[str, ...] = field(default=(), metadata=DERIVED)


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    definition: str
    enabled: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """What tables and views share.

    Attributes:
        key: `schema.name`, quoted where needed.
        options: storage parameters and view options (security_invoker, security_barrier, check_option), sorted.
    """

    key: str = field(metadata=DERIVED)
    schema: str = field(metadata=DERIVED)
    name: str = field(metadata=DERIVED)
    kind: str
    owner: str
    acl: Acl
    comment: str | None
    options: tuple[str, ...]
    tablespace: str | None
    access_method: str | None
    columns: dict[str, Column] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table(Relation):
    """A table: kind is "table", "partitioned table" or "foreign table".

    Attributes:
        persistence: "permanent" or "unlogged".
        replica_identity: "default", "nothing", "full" or "index <name>".
        partition_key: of a partitioned table.
        partition_bound: of a partition, DEFAULT or FOR VALUES ….
        inherits: parents, `schema.name`; for a partition its partitioned table.
        of_type: CREATE TABLE … OF.
        server, foreign_options: of a foreign table.
    """

    persistence: str = "permanent"
    row_security: bool = False
    force_row_security: bool = False
    replica_identity: str = "default"
    partition_key: str | None = None
    partition_bound: str | None = None
    inherits: tuple[str, ...] = ()
    of_type: str | None = None
    server: str | None = None
    foreign_options: tuple[str, ...] = ()
    constraints: dict[str, Constraint] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key in order; empty without one."""
        return next((item.columns for item in self.constraints.values() if item.kind == "primary key"), ())

    @property
    def foreign_keys(self) -> list[Constraint]:
        return [item for item in self.constraints.values() if item.kind == "foreign key"]

    @property
    def is_partition(self) -> bool:
        return self.partition_bound is not None


@dataclass(frozen=True, slots=True)
class View(Relation):
    """A view: kind is "view" or "materialized view".

    Attributes:
        populated: False for a materialized view created WITH NO DATA; data, so not compared.
        reads, calls: relations and functions the query names directly, built-in ones left out.
    """

    definition: str = ""
    populated: bool = field(default=True, metadata=DERIVED)
    reads: tuple[str, ...] = field(default=(), metadata=DERIVED)
    calls: tuple[str, ...] = field(default=(), metadata=DERIVED)

    @property
    def security_invoker(self) -> bool:
        return _is_on(self.options, "security_invoker")

    @property
    def security_barrier(self) -> bool:
        return _is_on(self.options, "security_barrier")


def _is_on(options: tuple[str, ...], name: str) -> bool:
    values = (entry.split("=", 1)[1] for entry in options if entry.startswith(f"{name}="))
    return next(values, "false").lower() in ("true", "on", "yes", "1")

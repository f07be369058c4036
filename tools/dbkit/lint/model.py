"""What the replay knows about a database: tables with their columns, keys, indexes, row security and policies.

Everything carries its origin, the file and place that made it, so that a rule can tell "existing" from "new in this
file" and point at the line to mend.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from dbkit.lint.files import LintFile
from dbkit.parse import Node

__all__ = ["Column", "Constraint", "Function", "Index", "Key", "Origin", "Policy", "Table", "View", "label"]

Key = tuple[str, str]  # schema, name
_NO_TREE: Node = {}  # trees are only read


def label(key: Key) -> str:
    """A key as people write it; `public` is left out."""
    return key[1] if key[0] in ("public", "pg_temp") else f"{key[0]}.{key[1]}"


class Origin(NamedTuple):
    """Where something was made.

    Attributes:
        offset: character offset in the file.
        statement: character offset of the statement, for allowances that stand above it.
    """

    file: LintFile
    offset: int
    statement: int


@dataclass(eq=False, slots=True)
class Column:
    """A column.

    Attributes:
        type: `name` or `schema.name` without pg_catalog.
        modifiers: the constants behind the type.
        default: the expression of its DEFAULT; empty without one.
        identity: whether its values come from a sequence of its own.
    """

    name: str
    type: str
    not_null: bool
    origin: Origin
    modifiers: tuple[int, ...] = ()
    default: Node = field(default_factory=dict)
    identity: bool = False


@dataclass(slots=True)
class Index:
    """An index, also one that carries a constraint.

    Attributes:
        columns: leading key columns; None stands for an expression.
        method: btree, hash, gin, …
        predicate: columns the predicate only asks to be NOT NULL; None for no predicate, False for any other one.
        keys: each key as one text: a plain column's name, else its whole definition.
        rest: predicate, included columns and options as one text, for telling twins.
    """

    name: str
    columns: tuple[str | None, ...]
    unique: bool
    origin: Origin
    method: str = "btree"
    predicate: tuple[str, ...] | bool | None = None
    keys: tuple[str, ...] = ()
    rest: str = ""


@dataclass(eq=False, slots=True)
class Constraint:
    """A table constraint.

    Attributes:
        kind: primary, unique, foreign, check, exclude or notnull.
        target: referenced table of a foreign key.
        target_columns: referenced columns as written; empty for the primary key.
        on_delete: PostgreSQL's letter: a no action, r restrict, c cascade, n set null, d set default.
        on_delete_columns: the column list behind SET NULL or SET DEFAULT.
        expression: what a check asks; empty for other kinds.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    valid: bool
    origin: Origin
    target: Key | None = None
    target_columns: tuple[str, ...] = ()
    on_delete: str = "a"
    on_delete_columns: tuple[str, ...] = ()
    expression: Node = field(default_factory=dict)


@dataclass(slots=True)
class Policy:
    """A row security policy.

    Attributes:
        command: all, select, insert, update or delete.
        roles: names; `public` where none is written.
        origin: the statement that gave it its present form.
        using, check: its expressions; empty where it has none.
        reads: tables its subqueries read.
        has_sublink: whether it holds any subquery, one without a table included.
    """

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    origin: Origin
    using: Node = field(default_factory=dict)
    check: Node = field(default_factory=dict)
    reads: tuple[Key, ...] = ()
    has_sublink: bool = False


class View(NamedTuple):
    """A view.

    Attributes:
        columns: None where they cannot be told from its text (`select *`).
        reads: tables and views its query names.
        query: the SelectStmt.
        invoker, barrier: its options security_invoker and security_barrier.
    """

    key: Key
    columns: tuple[str, ...] | None
    origin: Origin
    reads: tuple[Key, ...] = ()
    query: Node = _NO_TREE
    invoker: bool = False
    barrier: bool = False


class Function(NamedTuple):
    """A function or procedure.

    Attributes:
        arguments: types of the input arguments, spelled alike for the same type.
        names: names of the arguments, outputs included; "" for one without.
        returns: result type with its outputs, spelled alike for the same type.
        statement: the CreateFunctionStmt.
        origin: the statement that made it or gave it its present options.
        language: lower case; sql where none is written.
        volatility: immutable, stable or volatile.
        search_path: the schemas of its SET search_path; None without one.
        public: whether PUBLIC may execute it.
    """

    key: Key
    arguments: tuple[str, ...]
    names: tuple[str, ...]
    returns: str
    statement: Node
    origin: Origin
    language: str = "sql"
    volatility: str = "volatile"
    definer: bool = False
    leakproof: bool = False
    search_path: tuple[str, ...] | None = None
    public: bool = True

    @property
    def bound(self) -> bool:
        """Whether its body (`return …`, `begin atomic`) was resolved when it was created, not when it is called."""
        return "sql_body" in self.statement


@dataclass(eq=False, slots=True)
class Table:
    """A table, partitioned table or materialized view.

    Attributes:
        kind: table, partitioned, partition, matview or foreign.
        copied: made by CREATE TABLE AS or SELECT INTO, inheriting, or OF a type, so that its keys are not its own
            business and it may have columns not seen here.
        known: False where only mentions of it were seen, so that its columns are not known.
        derived: made LIKE another table, inheriting, OF a type or as a partition, so that it may have constraints,
            indexes and triggers that no statement names.
        triggers: the CreateTrigStmt of each, by name.
        partition_key: columns of a partitioned table's key; None stands for an expression.
        rls_origin: the statement that switched row security on last.
        reads: tables and views that a materialized view's query names.
        query: the SelectStmt of a materialized view.
    """

    key: Key
    kind: str
    origin: Origin
    temporary: bool = False
    copied: bool = False
    known: bool = True
    derived: bool = False
    columns: dict[str, Column] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    triggers: dict[str, Node] = field(default_factory=dict)
    partition_key: tuple[str | None, ...] = ()
    rls_enabled: bool = False
    rls_forced: bool = False
    rls_origin: Origin | None = None
    reads: tuple[Key, ...] = ()
    query: Node = field(default_factory=dict)

    def __str__(self) -> str:
        return label(self.key)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key; empty without one."""
        return next((item.columns for item in self.constraints.values() if item.kind == "primary"), ())

    def foreign_keys(self) -> Iterator[Constraint]:
        return (item for item in self.constraints.values() if item.kind == "foreign")

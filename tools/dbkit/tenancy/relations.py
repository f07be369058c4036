"""The catalog as the tenancy model sees it: tables, keys, checks, policies, roles, and what each app role may do.

These are plain values; `dbkit.tenancy.reading` fills them from a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbkit.sqltext import literal

__all__ = [
    "TEXTS_KEPT",
    "Check",
    "Column",
    "ForeignKey",
    "Policy",
    "Privileges",
    "Relations",
    "Role",
    "Table",
    "UniqueKey",
    "literal",
]

# How many policies and bodies a process remembers what it read in them: the same ones come again for every role, and
# for every mutant of a database.
TEXTS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        sql: the name as written in SQL, quoted where needed.
        type: `format_type` of the column, e.g. `numeric(10,2)` or `core.email`.
        base: name of the base type behind domains, e.g. `text`, `int4`, `_uuid`.
        category: kind of the base type: b(ase), e(num), r(ange), m(ultirange), c(omposite), d(omain), p(seudo).
        domains: domains passed through, outermost first, qualified.
        labels: labels of an enum.
        length: length limit of char(n) and varchar(n).
        identity: '', 'a' (always) or 'd' (by default).
    """

    name: str
    sql: str
    number: int
    type: str
    base: str
    category: str
    nullable: bool
    default: str | None
    identity: str
    generated: bool
    length: int | None
    domains: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def filled_by_server(self) -> bool:
        """True where a value may not be given: stored generated columns and identity always."""
        return self.generated or self.identity == "a"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key.

    Attributes:
        target: qualified name of the referenced table.
        on_delete: what befalls the row when the referenced one goes: a (no action), r(estrict), c(ascade), n (set
            null), d (set default); `on_update` likewise.
        enforced: False for NOT ENFORCED, which PostgreSQL 18 has.
    """

    name: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    on_delete: str = "a"
    on_update: str = "a"
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A unique index; `columns` holds None in place of an expression."""

    name: str
    columns: tuple[str | None, ...]
    primary: bool
    partial: bool
    exclusion: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK of a table, or of a domain (then `columns` is empty and the expression speaks of VALUE)."""

    name: str
    columns: tuple[str, ...]
    expression: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A row security policy. `command` is one of all, select, insert, update, delete; `roles` may hold "public"."""

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None

    @property
    def texts(self) -> tuple[str, ...]:
        """The conditions it has."""
        return tuple(text for text in (self.using, self.check) if text)


@dataclass(frozen=True)
class Table:
    """A table, partitioned table, view, materialized view or foreign table (`kind` r, p, v, m, f)."""

    oid: int
    schema: str
    name: str
    sql: str
    kind: str
    owner: str
    rls: bool
    forced: bool
    is_partition: bool
    parents: tuple[str, ...]
    columns: dict[str, Column] = field(default_factory=dict)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    uniques: list[UniqueKey] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> tuple[str, ...]:
        for unique in self.uniques:
            if unique.primary:
                return tuple(name for name in unique.columns if name)
        return ()


@dataclass(frozen=True, slots=True)
class Role:
    """A role.

    Attributes:
        may_become: every role it can turn into, by inheritance or SET ROLE; itself is left out.
        create_role: it may make roles, and on servers before 16 grant itself any that is no superuser.
        replication: it may stream the write-ahead log.
        settings: what ALTER ROLE and ALTER DATABASE … SET give its sessions when it logs in.
    """

    name: str
    sql: str
    superuser: bool
    bypass_rls: bool
    login: bool
    may_become: tuple[str, ...]
    create_role: bool = False
    replication: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Privileges:
    """What one role effectively may do with one table, schema USAGE included.

    Attributes:
        table: table-level privileges held, lower case; `select` is there only when held on the whole table.
        columns: select, insert, update, references -> columns it holds on.
    """

    table: frozenset[str]
    columns: dict[str, frozenset[str]]

    def may(self, privilege: str) -> bool:
        """Whether the role holds the privilege on the table or on any column of it."""
        return privilege in self.table or bool(self.columns.get(privilege))

    @property
    def reachable(self) -> bool:
        return any(self.may(name) for name in ("select", "insert", "update", "delete", "truncate"))


@dataclass
class Relations:
    """The catalog as the tenancy model sees it.

    Attributes:
        tables: by qualified name; system schemas and objects of extensions are left out.
        extension_tables: tables left out because an extension owns them, by name.
        domain_checks: domain -> its CHECKs.
        roles: every role of the cluster by name.
        privileges: (role, table) -> Privileges, filled for the roles asked about.
        settings: custom settings (`app.tenant_id`) read or written by policies, functions and views.
        functions: qualified names of functions outside the system schemas.
        sources: functions and procedures that are no extension's -> their source.
        helpers: those of them that take no argument, such as a policy compares with.
        parameters: those that take arguments -> the names of the input parameters of each overload.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    extension_tables: list[str] = field(default_factory=list)
    domain_checks: dict[str, list[Check]] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    privileges: dict[tuple[str, str], Privileges] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    functions: frozenset[str] = frozenset()
    sources: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    server_version: str = ""
    server_version_num: int = 0

    @property
    def base_tables(self) -> list[Table]:
        """Tables that hold rows of their own or through their partitions."""
        return [table for table in self.tables.values() if table.kind in ("r", "p")]

    def may(self, role: str, table: Table, privilege: str) -> bool:
        return self.privileges[role, table.qualified].may(privilege)

"""Rows of two tenants, and the statements that make, find and remove them.

Rows come in slots: A1 and A2 are the victim tenant's two users, B1 is the attacker and B2 a colleague. A row references
the rows of its own slot, so the slot of a row says whose it is even where no column does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dbkit.leak.replica import as_replica
from dbkit.tenancy.relations import Column, Table, literal

__all__ = [
    "ATTACKER",
    "BYSTANDER",
    "COLLEAGUE",
    "NEWCOMERS",
    "PARTNER",
    "SLOTS",
    "VICTIM",
    "Identity",
    "Population",
    "TableRows",
    "Values",
    "delete_statements",
    "identify",
    "insert_statement",
    "ordinal",
]

SLOTS = ("A1", "A2", "B1", "B2")
ATTACKER = "B1"
COLLEAGUE = "B2"
VICTIM = "A1"
# Of the victim's tenant, but nobody whom an attack is about.
BYSTANDER = "A2"
# A further user of each tenant, who is in the registry of users and nowhere else: free for one more row.
NEWCOMERS = {"A1": "A3", "B1": "B3"}
# Of a third tenant, which rows name that may not name the same tenant twice: a buyer beside the seller.
PARTNER = "C1"

Values = dict[str, str | None]


@dataclass(frozen=True)
class Identity:
    """Who a slot is.

    Attributes:
        tenant: what tenant columns hold.
        context_tenant: what the context statement is given.
        login: the login role, where each tenant has its own.
        token: what stands for user and tenant in a signed context.
        completion: scope -> statements that say what policies ask beside the declared context, e.g. the region.
    """

    tenant: str
    user: str
    context_tenant: str
    login: str | None = None
    token: str | None = None
    completion: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class TableRows:
    """Rows of one table.

    Attributes:
        rows: slot -> the row as it is stored; two slots share a row where a tenant can only have one.
        spares: slot -> values of one more valid row that is not stored.
        displaced: slots whose spare only fits after the stored row is deleted (one row a tenant).
        reason: why it could not be populated, None when it was.
        notes: what was done to get the rows in that a reader should know.
    """

    rows: dict[str, Values] = field(default_factory=dict)
    spares: dict[str, Values] = field(default_factory=dict)
    displaced: set[str] = field(default_factory=set)
    reason: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Population:
    """All rows made, and the statements that made them, in order.

    Attributes:
        references: a row of each table that holds nobody's rows, as it is.
    """

    identities: dict[str, Identity]
    tables: dict[str, TableRows] = field(default_factory=dict)
    references: dict[str, Values] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)


def insert_statement(table: Table, values: Mapping[str, str | None]) -> str:
    """`insert into … values (…)` with literals; identity columns that are given are overridden."""
    if not values:
        return f"insert into {table.sql} default values"
    columns = ", ".join(table.columns[name].sql for name in values)
    overriding = " overriding system value" if any(table.columns[name].identity == "a" for name in values) else ""
    return f"insert into {table.sql} ({columns}){overriding} values ({', '.join(map(literal, values.values()))})"


def identify(table: Table, row: Mapping[str, str | None], columns: Iterable[str] = (), alias: str = "") -> str:
    """A WHERE condition that picks this row: by `columns`, else the primary key, else every column with an equality."""
    names = [name for name in columns or table.primary_key or table.columns if _comparable(table.columns[name])]
    prefix = f"{alias}." if alias else ""
    parts = [
        f"{prefix}{table.columns[name].sql} " + ("is null" if row[name] is None else f"= {literal(row[name])}")
        for name in names
    ]
    return " and ".join(parts) or "true"


def _comparable(column: Column) -> bool:
    return column.base not in ("json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle")


def delete_statements(table: Table, rows: Iterable[Values]) -> list[str]:
    """Delete rows without their children noticing."""
    return list(as_replica(*(f"delete from {table.sql} where {identify(table, row)}" for row in rows)))


def ordinal(slot: str) -> int:
    """0 for A1, 1 for A2, …: a small number that differs between slots."""
    return "ABC".index(slot[0]) * 3 + int(slot[1]) - 1

"""A live database as the database rules see it: the catalog snapshot, its statistics, and what could not be read.

Everything is read in one repeatable-read, read-only transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbkit.catalog import Snapshot, Table
from dbkit.catalog.load import read_in_transaction
from dbkit.lint.live_queries import QUERIES
from dbkit.lint.tenants import Tenants

__all__ = ["SMALLEST_BLOAT", "Bloat", "IndexUse", "Live", "SequenceUse", "TableUse", "megabytes", "read_live"]

# Bytes below which nobody looks for bloat.
SMALLEST_BLOAT = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TableUse:
    """Statistics of a table, partition or materialized view.

    Attributes:
        rows: estimated; the sum of its partitions for a partitioned table; None where nothing tells.
        bytes: of its main fork.
        live, dead, changed: rows alive, dead, and changed since the last ANALYZE, as the server counted them.
        scans: sequential and index scans since the statistics began.
        xid_age, multixact_age: transactions since its oldest unfrozen one; None for what has none.
        xid_limit, multixact_limit: age at which autovacuum freezes it.
    """

    key: str
    rows: int | None
    bytes: int
    live: int
    dead: int
    changed: int
    scans: int
    analyzed: bool
    vacuumed: bool
    xid_age: int | None
    multixact_age: int | None
    xid_limit: int
    multixact_limit: int


@dataclass(frozen=True, slots=True)
class IndexUse:
    """Statistics of an index; `building` while somebody builds it or another one of its table."""

    key: str
    scans: int
    bytes: int
    replica_identity: bool
    building: bool


@dataclass(frozen=True, slots=True)
class Bloat:
    """Bytes a relation has and bytes its rows need by estimate."""

    key: str
    actual: int
    needed: int

    @property
    def wasted(self) -> int:
        return max(0, self.actual - self.needed)


@dataclass(frozen=True, slots=True)
class SequenceUse:
    """A sequence, how far it is, and what holds its values.

    Attributes:
        last: None where it was never used or may not be read.
        columns: (column, type) of the columns it fills and of the foreign keys to them.
    """

    key: str
    last: int | None
    minimum: int
    maximum: int
    step: int
    start: int
    cycle: bool
    readable: bool
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Live:
    """What the rules may ask.

    Attributes:
        tenants: the declared tenancy model.
        stats_age: seconds since the statistics began.
        table_bloat, index_bloat: estimates for relations of SMALLEST_BLOAT and more.
        slots, sessions, databases: rows of the queries of the same name.
        settings: server setting -> value in force.
        outdated: extension -> version the server could give.
        not_read: (what, why that matters, what would let this login read it).
    """

    snapshot: Snapshot
    tenants: Tenants
    stats_age: int = 0
    tables: Mapping[str, TableUse] = field(default_factory=dict)
    indexes: Mapping[str, IndexUse] = field(default_factory=dict)
    table_bloat: tuple[Bloat, ...] = ()
    index_bloat: tuple[Bloat, ...] = ()
    sequences: Mapping[str, SequenceUse] = field(default_factory=dict)
    slots: tuple[Mapping[str, Any], ...] = ()
    sessions: tuple[Mapping[str, Any], ...] = ()
    databases: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    outdated: Mapping[str, str] = field(default_factory=dict)
    not_read: tuple[tuple[str, str, str], ...] = ()

    def tenant_column(self, table: Table) -> str | None:
        """The tenant column of a table, None for one that belongs to no tenant."""
        return self.tenants.column_among((table.schema, table.name), table.columns)

    def own_tables(self) -> Iterator[Table]:
        """Tables and partitioned tables; partitions and foreign tables left out."""
        for table in self.snapshot.tables.values():
            if not table.is_partition and table.kind != "foreign table":
                yield table


def read_live(conninfo: str, tenants: Tenants) -> Live:
    """Read everything the database rules ask about.

    Raises:
        DbkitError: the server cannot be reached or refuses a catalog.
    """
    parameters = {"smallest": SMALLEST_BLOAT}
    snapshot, rows = read_in_transaction(conninfo, {name: (query, parameters) for name, query in QUERIES.items()})
    tables = {row["key"]: row for row in rows["tables"]}
    return Live(
        snapshot=snapshot,
        tenants=tenants,
        stats_age=rows["server"][0]["stats_age"],
        tables={key: _table(row, tables) for key, row in tables.items()},
        indexes={row["key"]: IndexUse(**row) for row in rows["indexes"]},
        table_bloat=_bloat([row for row in rows["table_bloat"] if row["known"]], snapshot.tables),
        index_bloat=_bloat(rows["index_bloat"], _index_keys(snapshot)),
        sequences={
            row["key"]: SequenceUse(**{**row, "columns": tuple(tuple(pair) for pair in row["columns"])})
            for row in rows["sequences"]
            if row["key"] in snapshot.sequences
        },
        slots=tuple(rows["slots"]),
        sessions=tuple(rows["sessions"]),
        databases=tuple(rows["databases"]),
        settings={row["name"]: row["value"] for row in rows["settings"]},
        outdated={row["name"]: row["available"] for row in rows["extensions"] if row["name"] in snapshot.extensions},
        not_read=tuple(_not_read(rows, snapshot)),
    )


def megabytes(number: int) -> str:
    """Bytes as people read them."""
    return f"{number / 1024**3:.1f} GB" if number >= 1024**3 else f"{number / 1024**2:.1f} MB"


def _table(row: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> TableUse:
    values = {name: value for name, value in row.items() if name != "parent"}
    parts = [item["rows"] for item in tables.values() if item["parent"] == row["key"]]
    if parts and all(part is not None for part in parts):
        values["rows"] = sum(parts)
    return TableUse(**values)


def _index_keys(snapshot: Snapshot) -> set[str]:
    return {index.key for relation in snapshot.relations() for index in relation.indexes.values()}


def _bloat(rows: list[dict[str, Any]], known: Any) -> tuple[Bloat, ...]:
    return tuple(Bloat(row["key"], row["actual"], row["needed"]) for row in rows if row["key"] in known)


def _not_read(rows: Mapping[str, list[dict[str, Any]]], snapshot: Snapshot) -> Iterator[tuple[str, str, str]]:
    role = '"' + rows["server"][0]["role"].replace('"', '""') + '"'
    hidden = [row["key"] for row in rows["sequences"] if not row["readable"] and row["key"] in snapshot.sequences]
    if hidden:
        yield (
            f"the last value of {_some(hidden, 'sequence')}",
            "Whether they are near their end is not judged.",
            f"grant select on all sequences in schema … to {role};",
        )
    hidden = [row["key"] for row in rows["table_bloat"] if not row["readable"] and row["key"] in snapshot.tables]
    if hidden:
        yield (
            f"the column statistics of {_some(hidden, 'table')}",
            "Their bloat is not estimated: pg_stats shows only columns the login may select, and none under row"
            " security.",
            f"grant pg_read_all_data to {role}; for tables under row security a login with BYPASSRLS.",
        )
    others = [str(row["pid"]) for row in rows["sessions"] if row["state"] is None]
    if others:
        yield (
            f"the state of {_some(others, 'session')} of other roles",
            "Whether they keep a transaction open is not judged.",
            f"grant pg_read_all_stats to {role};",
        )


def _some(names: list[str], noun: str) -> str:
    shown = ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'} ({shown})"

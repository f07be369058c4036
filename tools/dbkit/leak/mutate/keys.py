"""Mutants of keys and triggers: a foreign key or a UNIQUE without its tenant column, a tenant guard switched off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dbkit.leak.mutate.conditions import tokens
from dbkit.leak.mutate.mutants import Equivalent, Mutant
from dbkit.leak.mutate.reach import Reach, sql_name
from dbkit.tenancy.model import Kind, TableModel
from dbkit.tenancy.relations import ForeignKey, Table

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["key_mutants"]

_TRIGGERS = """
select t.tgrelid::bigint, t.tgname, pg_get_triggerdef(t.oid), p.prosrc
from pg_trigger t join pg_proc p on p.oid = t.tgfoid
where not t.tgisinternal and t.tgenabled <> 'D' and t.tgtype & 1 = 1 and t.tgtype & 2 = 2 and t.tgtype & 16 = 16
order by 1, 2
"""


def key_mutants(connection: Connection[Any], reach: Reach) -> Iterator[Mutant | Equivalent]:
    tables = {table.table.qualified: table for _, table in reach.tables() if table.kind is Kind.TENANT}
    for table in tables.values():
        if not table.table.is_partition:
            yield from _foreign_keys(reach, table, tables)
            yield from _uniques(reach, table)
    for oid, name, definition, source in connection.execute(_TRIGGERS).fetchall():
        catalog = reach.by_oid(oid)
        if catalog is not None and catalog.qualified in tables:
            yield from _trigger(reach, tables[catalog.qualified], name, f"{definition} {source}")


def _foreign_keys(reach: Reach, table: TableModel, tables: dict[str, TableModel]) -> Iterator[Mutant | Equivalent]:
    catalog = table.table
    for key in catalog.foreign_keys:
        target = tables.get(key.target)
        rest = [(own, other) for own, other in zip(key.columns, key.target_columns, strict=True) if own != table.column]
        if table.column not in key.columns or target is None or not rest:
            continue
        if not _may_write(reach, catalog, {own for own, _ in rest}):
            yield Equivalent("a foreign key whose columns no app role may write")
            continue
        yield Mutant(
            f"fk-without-tenant {catalog.qualified}.{key.name}",
            _reduced(catalog, key, target.table, rest),
            frozenset({catalog.qualified, key.target}),
            routines=reach.definers_of(catalog.qualified, key.target),
        )


def _reduced(table: Table, key: ForeignKey, target: Table, rest: list[tuple[str, str]]) -> tuple[str, ...]:
    own, other = (", ".join(sql_name(pair[side]) for pair in rest) for side in (0, 1))
    wanted = f"foreign key ({own}) references {target.sql} ({other})"
    return (
        f"alter table {table.sql} drop constraint {sql_name(key.name)}",
        f"create unique index on {target.sql} ({other})",
        f"alter table {table.sql} add constraint {sql_name(key.name)} {wanted}",
    )


def _uniques(reach: Reach, table: TableModel) -> Iterator[Mutant | Equivalent]:
    """A key over all tenants beside the one over each: it refuses what another tenant has, which tells of it."""
    catalog = table.table
    for unique in catalog.uniques:
        rest = [name for name in unique.columns if name and name != table.column]
        if table.column not in unique.columns or not rest or None in unique.columns or unique.exclusion:
            continue
        if catalog.kind == "p":
            continue
        if not _may_write(reach, catalog, set(rest)):
            yield Equivalent("a unique key whose columns no app role may write")
            continue
        yield Mutant(
            f"unique-without-tenant {catalog.qualified}.{unique.name}",
            (f"create unique index on {catalog.sql} ({', '.join(map(sql_name, rest))})",),
            frozenset({catalog.qualified}),
        )


def _may_write(reach: Reach, table: Table, columns: set[str]) -> bool:
    """Whether an app role may choose the values of all these columns."""
    return any(
        columns <= reach.columns(role, table, privilege) for role in reach.roles for privilege in ("insert", "update")
    )


def _trigger(reach: Reach, table: TableModel, name: str, text: str) -> Iterator[Mutant | Equivalent]:
    """A BEFORE UPDATE trigger that speaks of the tenant column."""
    words = {token.text.strip("'\"").lower() for token in tokens(text)}
    if table.column not in words:
        return
    if not any(table.column in reach.columns(role, table.table, "update") for role in reach.roles):
        yield Equivalent("a guard of a tenant column that no app role may update")
        return
    yield Mutant(
        f"disable-trigger {table.table.qualified}.{name}",
        (f"alter table {table.table.sql} disable trigger {sql_name(name)}",),
        frozenset({table.table.qualified}),
        routines=reach.definers_of(table.table.qualified),
    )

"""Which foreign keys can lead from a row of one tenant to a row of another, by what the keys compare."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dbkit.leak.rows import ATTACKER, COLLEAGUE, VICTIM, Population, Values
from dbkit.tenancy.model import Kind, Model, ScopeModel, TableModel
from dbkit.tenancy.relations import ForeignKey, Relations, Table

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = [
    "crossed_by_rows",
    "crossing_keys",
    "crossing_values",
    "deliberate",
    "equated_columns",
    "fellow_values",
    "leading_columns",
]

_FROM = re.compile(r"\b(?:from|join)\s+\(*(?:\w+\.)?(\w+)(?:\s+(?:as\s+)?(?!where\b|on\b|join\b)(\w+))?", re.IGNORECASE)
_EQUATED = re.compile(r"\b(\w+)\.(\w+)(?:\)?::\w+)?\s*=\s*\(?(\w+)\.(\w+)")


def crossing_keys(model: Model, scope: ScopeModel, table: TableModel) -> list[ForeignKey]:
    """Foreign keys of a protected table that do not compare whose row they lead to."""
    found = []
    for key in table.table.foreign_keys:
        target = scope.tables.get(key.target)
        if target is None or not _owned(model, target, key):
            continue
        compared = dict(zip(key.columns, key.target_columns, strict=True))
        if table.kind is Kind.ROW:
            # With one reference the row is whose it leads to; with two they may disagree.
            crosses = sum(_leads_to_owner(scope, other) for other in table.table.foreign_keys) > 1
        elif table.column is None or (table.kind is Kind.USER and target.kind is Kind.TENANT):
            continue
        else:
            crosses = compared.get(table.column) != target.column or not key.enforced
        if crosses:
            found.append(key)
    return found


def leading_columns(model: Model, scope: ScopeModel, table: TableModel) -> tuple[str, ...]:
    """Columns that say whose row it is where no column names the owner: its references to rows that have one."""
    if table.kind is not Kind.ROW:
        return ()
    found: list[str] = []
    for key in table.table.foreign_keys:
        target = scope.tables.get(key.target)
        if target is not None and (target.kind is Kind.ROW or _owned(model, target, key)):
            found += [] if deliberate(model, table, key) else key.columns
    return tuple(dict.fromkeys(found))


def equated_columns(relations: Relations, table: Table) -> Iterator[tuple[str, Table, str]]:
    """Columns of a table that another table's policies equate with its own: references that no foreign key declares.

    Returns:
        (column, the other table, its column), as `s.doc = docs.id` in a policy on docs says of a table of shares.
    """
    for other in relations.base_tables:
        texts = (text for policy in other.policies for text in policy.texts)
        for text in texts if other is not table else ():
            names = {alias or name: name for name, alias in _FROM.findall(text)}
            for one, column, two, theirs in _EQUATED.findall(text):
                for (left, own), (right, their) in (((one, column), (two, theirs)), ((two, theirs), (one, column))):
                    meant = names.get(left) == table.name and names.get(right, right) == other.name
                    if meant and own in table.columns and their in other.columns:
                        yield own, other, their


def deliberate(model: Model, table: TableModel, key: ForeignKey) -> bool:
    """Whether the declaration says that the reference is meant to lead to other tenants."""
    names = {f"{prefix}.{column}" for prefix in (table.table.qualified, table.table.name) for column in key.columns}
    return bool(names & set(model.declaration.crossing))


def crossing_values(
    model: Model, scope: ScopeModel, population: Population, table: TableModel
) -> dict[str, tuple[str | None, ...]]:
    """Name of each crossing key -> the values with which an own row references the victim's."""
    found: dict[str, tuple[str | None, ...]] = {}
    for key in crossing_keys(model, scope, table):
        rows, own = population.tables.get(key.target), population.tables.get(table.table.qualified)
        if deliberate(model, table, key) or not rows or not own or VICTIM not in rows.rows or ATTACKER not in own.rows:
            continue
        if set(key.columns) == {table.column}:
            continue  # who the row belongs to is all that the key says
        found[key.name] = tuple(
            own.rows[ATTACKER][column] if column == table.column else rows.rows[VICTIM][target]
            for column, target in zip(key.columns, key.target_columns, strict=True)
        )
    return found


def fellow_values(model: Model, scope: ScopeModel, population: Population, table: TableModel) -> list[Values]:
    """What an own row takes over to be in the name of another user of the same tenant, or to hang on a row of theirs.

    Only for callers whose rows are the user's own, and whom the tenant in common gives nothing of others.
    """
    own = population.tables.get(table.table.qualified)
    if not scope.by_user or table.kind not in (Kind.USER, Kind.ROW) or not own or ATTACKER not in own.rows:
        return []
    found: list[Values] = []
    if table.column is not None:
        found.append({table.column: population.identities[COLLEAGUE].user})
    for key in table.table.foreign_keys:
        rows, target = population.tables.get(key.target), scope.tables.get(key.target)
        if not rows or not target or target.kind not in (Kind.USER, Kind.ROW) or deliberate(model, table, key):
            continue
        theirs = rows.rows.get(COLLEAGUE, {})
        found.append({one: theirs.get(two) for one, two in zip(key.columns, key.target_columns, strict=True)})
    mine = own.rows[ATTACKER]
    changed = [{name: value for name, value in values.items() if value != mine[name]} for values in found]
    return [values for values in changed if values and None not in values.values()]


def crossed_by_rows(connection: Connection[Any], model: Model, on_delete: str = "r") -> list[str]:
    """References whose rows lead to other tenants already; of those that RESTRICT, the owner's own data means them to.

    Args:
        on_delete: letters of the actions asked about, as `ForeignKey.on_delete` has them.

    Returns:
        `schema.table.column` of each, as `crossing` declares them.
    """
    import psycopg

    found = []
    scope = model.scopes[0]
    for table in scope.tables.values():
        if table.kind is not Kind.TENANT or table.column is None:
            continue
        for key in crossing_keys(model, scope, table):
            target = scope.tables[key.target]
            if key.on_delete not in on_delete or target.column is None:
                continue
            own = table.table.columns
            pairs = zip(key.columns, key.target_columns, strict=True)
            joined = " and ".join(f"t.{own[one].sql} = r.{target.table.columns[two].sql}" for one, two in pairs)
            query = (
                f"select 1 from {table.table.sql} t join {target.table.sql} r on {joined} "
                f"where t.{own[table.column].sql} <> r.{target.table.columns[target.column].sql} limit 1"
            )
            try:
                with connection.transaction():
                    crossed = connection.execute(query).fetchone()
            except psycopg.Error:
                continue  # rows that may not be read say nothing, and the reference is judged as it stands
            if crossed:
                found += [f"{table.table.qualified}.{name}" for name in key.columns if name != table.column]
    return found


def _owned(model: Model, target: TableModel, key: ForeignKey) -> bool:
    """Whether the key leads to somebody's row; a registry is where tenants and users are named, not owned."""
    registries = {each[0] for each in (model.registry, model.users) if each}
    if target.table.qualified in registries:
        return False
    if target.kind is Kind.USER:
        return target.column not in key.target_columns
    return target.kind is Kind.TENANT and key.target_columns != (target.column,)


def _leads_to_owner(scope: ScopeModel, key: ForeignKey) -> bool:
    target = scope.tables.get(key.target)
    return target is not None and target.kind in (Kind.TENANT, Kind.USER)

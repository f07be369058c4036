"""What can be seen at a moment of an exchange: a person's rows as they are stored, and what a person reads.

Two observations are compared: whatever one tenant does that changes the other's has crossed between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dbkit.leak.exchange import Exchange
from dbkit.leak.rows import VICTIM, Population, identify
from dbkit.leak.session import Outcome
from dbkit.leak.statements import select_list
from dbkit.tenancy.model import Kind, Model, TableModel
from dbkit.tenancy.relations import Table, literal

__all__ = ["Seen", "belongings", "distinctive_values", "news", "readable", "reads", "shown_value"]

# relation -> its rows with how often each came back
Seen = dict[str, Counter[tuple[str | None, ...]]]

# Shorter texts turn up by chance.
_SHORTEST = 8
_CARRIERS = ("uuid", "text", "varchar", "bpchar", "citext", "name")
_MOST_ROWS = 2000


def distinctive_values(model: Model, population: Population, *, protected: bool = False) -> dict[str, frozenset[str]]:
    """Values that only rows of one tenant hold -> the slots that hold them.

    Args:
        protected: only values of tables that hold tenants' rows, and none that also stands in a row of another table.
    """
    owners: dict[str, set[str]] = {}
    elsewhere: set[str] = set()
    tables = model.scopes[0].tables
    for name, rows in population.tables.items():
        table = model.relations.tables[name]
        counted = not protected or any(scope.tables[name].owned for scope in model.scopes if name in tables)
        for slot, row in rows.rows.items():
            for column, value in row.items():
                if value and len(value) >= _SHORTEST and table.columns[column].base in _CARRIERS:
                    if counted:
                        owners.setdefault(value, set()).add(slot)
                    else:
                        elsewhere.add(value)
    return {
        value: frozenset(slots)
        for value, slots in owners.items()
        if value not in elsewhere and len({slot[0] for slot in slots}) == 1
    }


def shown_value(outcome: Outcome, values: Iterable[str], told: str = "") -> str | None:
    """The first of the values that the answer shows, in a row or in an error, and that was not in `told`."""
    wanted = [value for value in values if value not in told]
    texts = ["\x1f".join(cell for cell in row if cell) for row in outcome.rows]
    texts += [f"{outcome.message} {outcome.detail}"] if outcome.refused else []
    for text in texts:
        for value in wanted:
            if value in text:
                return value
    return None


def belongings(exchange: Exchange, model: Model, population: Population, tables: Iterable[TableModel]) -> set[str]:
    """The victim's rows as they are stored in these tables, as the administrator sees them."""
    victim = population.identities[VICTIM]
    parts = []
    for table in tables:
        if table.column is not None:
            owner = victim.user if table.kind is Kind.USER else victim.tenant
            condition = f"t.{table.table.columns[table.column].sql} = {literal(owner)}"
        else:
            rows = population.tables.get(table.table.qualified)
            stored = rows.rows.get(VICTIM) if rows else None
            if stored is None:
                continue
            condition = identify(table.table, stored, alias="t")
        name = literal(table.table.qualified)
        parts.append(f"select {name} || ' ' || t::text from {table.table.sql} t where {condition}")
    if not parts:
        return set()
    outcome = exchange.admin(" union all ".join(parts))
    return {row[0] for row in outcome.rows if row[0]}


def readable(exchange: Exchange, model: Model, tables: Iterable[Table]) -> list[Table]:
    """Those of the relations that the caller holds a SELECT privilege on."""
    return [table for table in tables if exchange.caller.privileges(model, table).may("select")]


def reads(exchange: Exchange, model: Model, slot: str, tables: Iterable[Table]) -> Seen:
    """What the person of a slot reads in each relation; what is refused is left out."""
    queries = {}
    for table in tables:
        columns = exchange.caller.privileges(model, table).columns.get("select", frozenset())
        listed = select_list(table, [name for name in table.columns if name in columns])
        queries[table.qualified] = f"select {listed} from {table.sql} limit {_MOST_ROWS}"
    answers = exchange.answers(slot, *queries.values()) if queries else []
    if answers:
        return {name: Counter(outcome.rows) for name, outcome in zip(queries, answers, strict=True)}
    seen: Seen = {}
    for name, query in queries.items():
        with exchange.trial():
            outcome = exchange.act(slot, query)
        if not outcome.refused:
            seen[name] = Counter(outcome.rows)
    return seen


def news(before: Seen, after: Seen) -> tuple[str, tuple[str | None, ...]] | None:
    """The first row that came or changed between two observations, with its relation."""
    for name, rows in after.items():
        fresh = rows - before.get(name, Counter())
        if name in before and fresh:
            return name, next(iter(fresh))
    return None

"""Search values for a row in the making that satisfy the CHECKs which the server says are violated.

What the columns may hold is gathered from the checks themselves and from what the other columns say; all combinations
are put to the server in one query, which names the first that every check accepts.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dbkit.leak.values import check_candidates, first_value
from dbkit.tenancy.expressions import caller_expressions
from dbkit.tenancy.relations import Check, Column, literal

if TYPE_CHECKING:
    from dbkit.leak.draft import Draft

__all__ = ["solve"]

_COMBINATIONS = 4000


def solve(draft: Draft, violated: Check) -> bool:
    """Search values for the columns of a violated CHECK that satisfy it and all checks that share a column.

    Where its own columns are not enough, those of the checks it shares columns with may change too.
    """
    free: list[str] = []
    for _ in range(3):
        checks = [check for check in draft.checks if set(check.columns) & {*free, *violated.columns}]
        columns = violated.columns if not free else [name for check in checks for name in check.columns]
        wider = [name for name in dict.fromkeys(columns) if _is_free(draft, name)]
        if not wider or wider == free:
            break
        free = wider
        checks = [check for check in draft.checks if set(check.columns) & set(free)]
        found = _search(draft, free, [_choices(draft, draft.table.columns[name], checks) for name in free], checks)
        if found is not None:
            draft.solved.setdefault(tuple(free), set()).add(found)
            draft.values.update(zip(free, found, strict=True))
            return True
    return _solve_around(draft, violated)


def _is_free(draft: Draft, name: str) -> bool:
    column = draft.table.columns[name]
    open_to_choice = name not in draft.fixed or name in draft.referencing or draft.values.get(name) is None
    return not column.filled_by_server and open_to_choice


def _solve_around(draft: Draft, violated: Check) -> bool:
    """Second resort for a CHECK: leave its optional columns empty, references included."""
    emptied = False
    for name in violated.columns:
        if draft.table.columns[name].nullable and draft.values.get(name) is not None:
            draft.values[name] = None
            emptied = True
    return emptied


def _choices(draft: Draft, column: Column, checks: list[Check]) -> list[str | None]:
    current = _current(draft, column)
    if column.name in draft.referencing and current is not None:
        others = [*_siblings(draft, column.name), *_partners(draft, column.name)]
        return list(dict.fromkeys([current, *others, *([None] if column.nullable else [])]))
    own = [check for check in checks if column.name in check.columns]
    documents = [json.dumps(draft.payload(column))] if column.base in ("json", "jsonb") else []
    wanted = [current, *documents, *_related(draft, column, own)]
    wanted += check_candidates(column, own, draft.who, draft.number)
    wanted.append(first_value(draft.table.qualified, column, draft.who, draft.number))
    return [
        value
        for value in dict.fromkeys(wanted)
        if (value is None and column.nullable) or (value is not None and draft.accepted(column, value))
    ]


def _siblings(draft: Draft, name: str) -> list[str | None]:
    """What a reference may lead to instead: the rows of the same tenant."""
    key, target = draft.referencing[name]
    rows = draft.synthesis.population.tables.get(key.target)
    return [row[target] for slot, row in rows.rows.items() if slot[0] == draft.slot[0]] if rows else []


def _partners(draft: Draft, name: str) -> list[str]:
    """Or to another tenant, as the other side of a deal does, where the column does not say whose row it is."""
    default = draft.synthesis.default.tables[draft.table.qualified]
    partner = None if name == default.column else draft.synthesis.partner(draft.referencing[name][0])
    return [partner] if partner else []


def _related(draft: Draft, column: Column, checks: list[Check]) -> Iterator[str | None]:
    """What the other columns ask of this one: the other side of an equation, a piece of what is put together."""
    for check in checks:
        names = [name for name in check.columns if not draft.table.columns[name].generated or name in draft.fixed]
        row = ", ".join(_typed(draft, draft.table.columns[name]) for name in names)
        for expression in caller_expressions(check.expression, column.name):
            outcome = draft.synthesis.ask(f"select ({expression})::text from (select {row}) r")
            yield from (cells[0] for cells in outcome.rows)
        for glue in filter(None, re.findall(r"'([^']+)'", check.expression)):
            for name in names:
                value = draft.values.get(name)
                if name != column.name and value and name in draft.fixed and glue in value:
                    yield from (*value.partition(glue)[::2], *value.rpartition(glue)[::2], *value.split(glue))


def _typed(draft: Draft, column: Column) -> str:
    return f"{literal(_current(draft, column))}::{column.type} as {column.sql}"


def _current(draft: Draft, column: Column) -> str | None:
    """What the column holds now: the drafted value, else its default."""
    if column.name in draft.values or column.default is None:
        return draft.values.get(column.name)
    outcome = draft.synthesis.ask(f"select ({column.default})::text")
    return outcome.rows[0][0] if outcome.rows else None


def _search(
    draft: Draft, free: list[str], choices: list[list[str | None]], checks: list[Check]
) -> tuple[str | None, ...] | None:
    # The likeliest values of every column first, then all values of the last ones.
    depth = max(3, int(_COMBINATIONS ** (1 / max(len(free), 1))))
    products = itertools.chain(itertools.product(*(each[:depth] for each in choices)), itertools.product(*choices))
    combinations = list(dict.fromkeys(itertools.islice(products, 2 * _COMBINATIONS)))
    tried_before = draft.solved.get(tuple(free), set())
    combinations.sort(key=tried_before.__contains__)
    if not combinations:
        return None
    involved = {name for check in checks for name in check.columns}
    columns = [draft.table.columns[name] for name in involved if name not in free]
    fixed = [_typed(draft, column) for column in columns]
    tried = [
        f"t.v{i}::{draft.table.columns[name].type} as {draft.table.columns[name].sql}" for i, name in enumerate(free)
    ]
    rows = ", ".join(
        f"({number}, {', '.join(f'{literal(value)}::text' for value in values)})"
        for number, values in enumerate(combinations)
    )
    names = ", ".join(["n", *(f"v{i}" for i in range(len(free)))])
    condition = " and ".join(f"(({check.expression}) is not false)" for check in checks)
    outcome = draft.synthesis.ask(
        f"select n from (values {rows}) t ({names}) cross join lateral (select {', '.join([*fixed, *tried])}) r "
        f"where {condition} order by n limit 1"
    )
    return combinations[int(outcome.rows[0][0] or 0)] if outcome.rows else None

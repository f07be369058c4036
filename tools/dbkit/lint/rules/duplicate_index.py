"""Two indexes with one definition.

## What it does
Reports an index whose columns, order, operator classes, predicate and included columns are those of another index of
the table, or of a key. A unique index and a plain one over the same columns are twins, too.

## Why is this bad?
Every write pays for both, and no query gains from the second.

## Example
```sql
create table app.notes (
    id    bigint generated always as identity primary key,
    title text
);
create index notes_title_idx on app.notes (title);
create index notes_title_idx2 on app.notes (title);
```

## Use instead
```sql
create table app.notes (
    id    bigint generated always as identity primary key,
    title text
);
create index notes_title_idx on app.notes (title);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Index, Table
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L043", severity=Severity.WARNING)


@rule.concluded_with("indexes")
def check(context: Context) -> Iterator[Hit]:
    for table, index in context.indexes_here():
        twin = _twin(table, index)
        if twin is not None and index.name in _keys(table) and twin.name not in table.constraints:
            yield Hit(
                f"primary key {index.name} of {table} makes index {twin.name} superfluous",
                at=index.origin,
                object=str(table),
                hint=f"Drop {twin.name}, or make the key of it: primary key using index {twin.name}.",
                severity=Severity.NOTE,
            )
        elif twin is not None:
            yield Hit(
                f"index {index.name} on {table} is the same as {twin.name}",
                at=index.origin,
                object=str(table),
                hint=f"Drop {index.name}.",
            )


def _twin(table: Table, index: Index) -> Index | None:
    """An index that makes this one superfluous: an older one, or the unique one of two."""
    older = True
    for other in table.indexes.values():
        if other is index:
            older = False
            continue
        same = (other.method, other.keys, other.rest) == (index.method, index.keys, index.rest)
        if same and index.keys and (older if other.unique == index.unique else other.unique):
            return other
    return None


def _keys(table: Table) -> set[str]:
    return {constraint.name for constraint in table.constraints.values() if constraint.kind == "primary"}

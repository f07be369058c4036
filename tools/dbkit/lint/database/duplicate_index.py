"""Two indexes that are the same.

## What it does
Reports an index whose method, keys (operator classes, collations and order included), INCLUDE columns, predicate and
options another valid index of the table has too. The index of a primary key or constraint stays, the other one is
reported.

## Why is this bad?
Both are written and vacuumed; the planner uses one.

## Example
```sql
create index orders_customer_idx on app.orders (customer_id);
create index orders_customer_id_idx on app.orders (customer_id);
```

## Use instead
```sql
drop index concurrently app.orders_customer_id_idx;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.catalog import Index
from dbkit.lint.live import Defect, Live
from dbkit.lint.live_indexes import signature
from dbkit.lint.rules.duplicate_index import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.relations():
        kept: dict[tuple[object, ...], Index] = {}
        for index in sorted(table.indexes.values(), key=_worth):
            if not index.valid or index.parent:
                continue
            first = kept.setdefault(signature(index), index)
            if first is not index:
                yield Defect(
                    index.key,
                    f"index {index.key} is the same as {first.key}",
                    hint=f"alter table {table.key} drop constraint {index.constraint};"
                    if index.constraint
                    else f"drop index concurrently {index.key};",
                )


def _worth(index: Index) -> tuple[bool, bool, bool, str]:
    """The one to keep comes first."""
    return not index.primary, index.constraint is None, not index.unique, index.key

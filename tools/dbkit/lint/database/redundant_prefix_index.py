"""Index that is the beginning of another one.

## What it does
Reports a B-tree index whose keys are the first keys of a longer valid one with the same INCLUDE columns, predicate
and options. Unique indexes and those of constraints are left alone.

## Why is this bad?
The longer index answers what the shorter one answers; both are written.

## Example
```sql
create index orders_tenant_idx on app.orders (tenant_id);
create index orders_tenant_total_idx on app.orders (tenant_id, total);
```

## Use instead
```sql
drop index concurrently app.orders_tenant_idx;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.catalog import Index
from dbkit.lint.live import Defect, Live
from dbkit.lint.live_indexes import parts
from dbkit.lint.rules.redundant_prefix_index import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.relations():
        btrees = [(index, *parts(index)) for index in table.indexes.values() if index.method == "btree" and index.valid]
        for short, keys, rest in btrees:
            if short.unique or short.constraint or short.parent:
                continue
            for long, longer, other_rest in btrees:
                if len(keys) < len(longer) and longer[: len(keys)] == keys and _covers(other_rest, rest, long):
                    yield Defect(
                        short.key,
                        f"index {short.key} is the beginning of {long.key}",
                        hint=f"drop index concurrently {short.key};",
                    )
                    break


def _covers(rest: str, wanted: str, long: Index) -> bool:
    """Whether the longer index holds the same rows: a key's index may say NULLS NOT DISTINCT or deferrable."""
    return rest == wanted or (long.unique and rest.replace(" NULLS NOT DISTINCT", "") == wanted)

"""Table that is empty after a crash.

## What it does
Reports a permanent table that is UNLOGGED.

## Why is this bad?
After a crash, and on every standby, it is empty.

## Example
```sql
create unlogged table app.orders (id bigint primary key);
```

## Use instead
```sql
alter table app.orders set logged;  -- rewrites the table under ACCESS EXCLUSIVE
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.unlogged_table import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        if table.persistence == "unlogged":
            yield Defect(
                table.key,
                f"table {table.key} is unlogged: a crash empties it",
                hint=f"alter table {table.key} set logged; unless it is a cache that may be lost.",
            )

"""Foreign key whose columns no index leads with.

## What it does
Reports a foreign key for which no valid index begins with its columns, in any order. A partial index counts where its
predicate only asks one of them to be NOT NULL. A table below 1,000 rows is a note.

## Why is this bad?
Each DELETE on the referenced table, and each UPDATE of its key, reads the whole referencing table while it holds row
locks.

## Example
```sql
create table app.lines (order_id bigint references app.orders);
```

## Use instead
```sql
create index concurrently lines_order_idx on app.lines (order_id);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_indexes import leading_index
from dbkit.lint.rules.fk_without_index import rule
from dbkit.report import Severity

__all__ = ["check", "rule"]

# A scan of so few rows is as quick as an index.
_FEW = 1_000


def check(database: Live) -> Iterator[Defect]:
    for table in database.own_tables():
        for key in table.foreign_keys:
            if key.inherited or leading_index(table, key.columns):
                continue
            use = database.tables.get(table.key)
            columns = ", ".join(key.columns)
            few = use is not None and use.rows is not None and use.rows < _FEW
            yield Defect(
                table.key,
                f"foreign key {key.name} on {table.key} ({columns}) has no index",
                detail=f"{table.key} has about {use.rows} rows." if use and use.rows is not None else None,
                hint=f"create index concurrently on {table.key} ({columns});",
                severity=Severity.NOTE if few else None,
            )

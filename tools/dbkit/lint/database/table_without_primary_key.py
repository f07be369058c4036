"""Table without a primary key.

## What it does
Reports a table that has no primary key, partitions and tables of the migration tool left out.

## Why is this bad?
A row cannot be named: UPDATE and DELETE fail under logical replication, a duplicate cannot be told from its twin.

## Example
```sql
create table app.events (at timestamptz, what text);
```

## Use instead
```sql
create table app.events (id bigint generated always as identity primary key, at timestamptz, what text);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.table_without_primary_key import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.own_tables():
        if not table.primary_key and not table.inherits:
            yield Defect(
                table.key,
                f"table {table.key} has no primary key",
                hint="create unique index concurrently, then: alter table … add primary key using index …;",
            )

"""Table without a primary key.

## What it does
Reports a permanent table that the file creates and leaves without a primary key. Partitions and inheritance children
take theirs from the parent; foreign tables and copies made by CREATE TABLE AS (a finding of their own) are left
alone.

## Why is this bad?
Logical replication has no way to name a row, so UPDATE and DELETE fail on a published table; a row cannot be
addressed for repair, and a batched backfill has nothing to walk along.

## Example
```sql
create table app.notes (
    id   bigint generated always as identity,
    body text
);
```

## Use instead
```sql
create table app.notes (
    id   bigint generated always as identity primary key,
    body text
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="C069", severity=Severity.WARNING)


@rule.settled_with("tables")
def check(context: Context) -> Iterator[Hit]:
    for table in context.made_here():
        if table.kind in ("table", "partitioned") and table.known and not table.copied and not table.primary_key:
            yield Hit(
                f"table {table} has no primary key",
                at=table.origin,
                object=str(table),
                hint="Add one, if only: id bigint generated always as identity primary key.",
            )

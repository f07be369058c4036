"""Primary key of four bytes.

## What it does
Reports a primary key of one column of type integer or serial. A key of several columns is left alone: a line number
within an order stays small.

## Why is this bad?
It runs out at 2,147,483,647 rows ever inserted, rolled back ones included, and then every INSERT fails. Widening the
column rewrites the table and every table that references it.

## Example
```sql
create table app.notes (
    id integer generated always as identity primary key
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="C064", severity=Severity.WARNING, lock="widening it later rewrites the table under ACCESS EXCLUSIVE")

_TYPES = ("int4", "serial", "serial4")


@rule.settled_with("constraints")
def check(context: Context) -> Iterator[Hit]:
    for table, constraint, column in context.keys_of_type(_TYPES):
        yield Hit(
            f"key {column.name} of {table} is {column.type} and runs out at 2,147,483,647",
            at=constraint.origin,
            object=str(table),
            hint="Write bigint.",
        )

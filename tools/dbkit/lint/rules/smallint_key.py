"""Primary key of two bytes.

## What it does
Reports a primary key of one column of type smallint or smallserial.

## Why is this bad?
It runs out at 32,767 rows ever inserted, rolled back ones included, and then every INSERT fails. Widening the column
rewrites the table and every table that references it.

## Example
```sql
create table app.notes (
    id smallint generated always as identity primary key
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

rule = Rule(code="C065", severity=Severity.WARNING, lock="widening it later rewrites the table under ACCESS EXCLUSIVE")

_TYPES = ("int2", "smallserial", "serial2")


@rule.settled_with("constraints")
def check(context: Context) -> Iterator[Hit]:
    for table, constraint, column in context.keys_of_type(_TYPES):
        yield Hit(
            f"key {column.name} of {table} is {column.type} and runs out at 32,767",
            at=constraint.origin,
            object=str(table),
            hint="Write bigint.",
        )

"""Timestamp with a precision rounds.

## What it does
Reports a column of type timestamptz(n), timestamp(n) or time(n) with n below 6, new or changed to it. For time(n) it
is a note: a time of day names no instant.

## Why is this bad?
Values are rounded, not cut: 23:59:59.6 becomes the next day, so a stored time can lie in the future and after its own
deadline. It takes the same eight bytes.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    at timestamptz(0) not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    at timestamptz not null
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import column_type, type_modifiers
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C083", severity=Severity.WARNING)


@rule.on_column("timestamptz", "timestamp", "time", "timetz")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    if type_modifiers(column) and type_modifiers(column)[0] < 6:
        yield Hit(
            f"column {name} is rounded to {type_modifiers(column)[0]} digits of a second",
            at=statement.offset(column),
            hint="Leave the precision out; round with date_trunc() where it is shown.",
            # A time of day names no instant that could lie in the future.
            severity=Severity.NOTE if column_type(column) == "time" else None,
        )

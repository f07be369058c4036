"""Timestamp without time zone.

## What it does
Reports a column of type timestamp (without time zone), new or changed to it.

## Why is this bad?
It does not name an instant: what was stored depends on the time zone of the session that wrote it, what is shown
never says which. Comparing it with now() converts by the TimeZone of whoever asks.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    sent_at timestamp not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    sent_at timestamptz not null
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.fix import retype
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L027", severity=Severity.ERROR, fix="timestamptz")


@rule.on_column("timestamp")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    yield Hit(
        f"column {name} is a timestamp without time zone",
        at=statement.offset(column),
        hint="Write timestamptz; it takes the same eight bytes.",
        fix=lambda: retype(statement, column, "timestamptz"),
    )

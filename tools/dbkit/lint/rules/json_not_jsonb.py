"""Column of type json.

## What it does
Reports a column of type json, new or changed to it.

## Why is this bad?
json has no equality operator, so DISTINCT, GROUP BY and UNION over the column fail; it is parsed again on every
access and no GIN index serves it. It keeps white space and duplicate keys, which is seldom wanted.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    payload json not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    payload jsonb not null
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

rule = Rule(code="C062", severity=Severity.WARNING, fix="jsonb")


@rule.on_column("json")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    yield Hit(
        f"column {name} is json, which cannot be compared or indexed",
        at=statement.offset(column),
        hint="Write jsonb.",
        fix=lambda: retype(statement, column, "jsonb"),
    )

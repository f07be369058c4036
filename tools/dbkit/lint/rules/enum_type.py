"""Enumerated type.

## What it does
Reports CREATE TYPE … AS ENUM: a note in the recommended profile, an error in the house profile.

## Why is this bad?
A value can never be removed, and not be used in the transaction that adds it. A CHECK or a table of values can change
in both directions.

## Example
```sql
create type app.colour as enum ('red', 'green');
```

## Use instead
```sql
create table app.colours (
    name text primary key
);
insert into app.colours (name) values ('red'), ('green');
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L034", severity=Severity.ERROR)


@rule.on("CreateEnumStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    name = ".".join(names(statement.node["typeName"]))
    yield Hit(
        f"type {name} is an enum, whose values can never be removed",
        at=statement.start,
        object=name,
        hint="Use text with a check, or a table of values.",
        severity=None if context.settings.house else Severity.NOTE,
    )

"""Serial column instead of an identity column.

## What it does
Reports a column of the pseudo-type serial, bigserial or smallserial in a new table.

## Why is this bad?
It is a plain default from a sequence: INSERT may overwrite it by accident, every role that inserts needs a grant on
the sequence, and LIKE copies a default that shares the other table's sequence. An identity column is part of the
table.

## Example
```sql
create table app.notes (
    id bigserial primary key
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
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.fix import identity
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import SERIALS, column_definitions, column_type
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C063", severity=Severity.WARNING, triggers=("serial",), fix="bigint generated always as identity")


@rule.on("CreateStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for name, column in column_definitions(statement):
        if column_type(column) in SERIALS:
            yield Hit(
                f"column {name} is {column_type(column)}",
                at=statement.offset(column),
                hint="Write bigint generated always as identity (by default, where rows are loaded with their ids).",
                fix=partial(identity, statement, column),
            )

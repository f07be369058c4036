"""Name that is a reserved word.

## What it does
Notes a table, column, view, function, type, index, schema or trigger that is created under a name PostgreSQL
reserves: user, order, group, limit and the like.

## Why is this bad?
It has to be quoted wherever it is used. Forgotten quotes are a syntax error at best: `select user` is not the column
but the role that runs the query.

## Example
```sql
create table app.notes (
    id     bigint generated always as identity primary key,
    "user" text
);
```

## Use instead
```sql
create table app.notes (
    id        bigint generated always as identity primary key,
    user_name text
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.created_names import CREATING_STATEMENTS, created_names
from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C074", severity=Severity.NOTE, triggers=('"',))


@rule.on(*CREATING_STATEMENTS)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    from pglast.keywords import RESERVED_KEYWORDS

    for kind, name, node in created_names(statement):
        if name in RESERVED_KEYWORDS:
            yield Hit(
                f'{kind} "{name}" is a reserved word and needs quotes for ever',
                at=statement.offset(node),
                object=name,
                hint="Choose another name.",
            )

"""Name with upper-case letters.

## What it does
Notes a table, column, view, function, type, index, schema or trigger that is created under a name with upper-case
letters. Policies are left alone: their names are sentences to many.

## Why is this bad?
It has to be written in double quotes with the same capitals for ever, by everybody and every tool; without the quotes
PostgreSQL looks for another name.

## Example
```sql
create table app."UserNotes" (
    id bigint generated always as identity primary key
);
```

## Use instead
```sql
create table app.user_notes (
    id bigint generated always as identity primary key
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

rule = Rule(code="C073", severity=Severity.NOTE, triggers=('"',))


@rule.on(*CREATING_STATEMENTS)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for kind, name, node in created_names(statement):
        if name != name.lower():
            yield Hit(
                f'{kind} "{name}" needs quotes for ever',
                at=statement.offset(node),
                object=name,
                hint="Use lower case and underscores.",
            )

"""DROP NOT NULL on an existing column.

## What it does
Reports ALTER COLUMN … DROP NOT NULL on a table that the same migration did not create.

## Why is this bad?
NULL reaches code that never had to handle it, first in the release that is still running; a policy that compares the
column does not see the row any more.

## Example
```sql
alter table app.tenants alter column name drop not null;
```

## Use instead
```sql
alter table app.tenants alter column name set default '';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C052", severity=Severity.WARNING, lock="ACCESS EXCLUSIVE, short", files=frozenset({MIGRATION}))


@rule.on_alter("AT_DropNotNull")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if context.state.is_new(relation, context.file):
        return
    table = context.state.find(relation)
    for command in commands(statement.node):
        column = table.columns.get(command.get("name", "")) if table else None
        if command["subtype"] == "AT_DropNotNull" and (column is None or column.not_null):
            yield Hit(
                f"column {command['name']} of {context.state.name(relation)} may be null from now on",
                at=statement.start,
                object=context.state.name(relation),
                hint="Be sure that every reader handles null; then allow it with the reason.",
            )

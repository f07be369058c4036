"""DROP COLUMN in a migration.

## What it does
Reports DROP COLUMN of a table that the same migration did not create. A file with a line `-- dbkit: destructive` and
the reason behind it says that the expand step went before.

## Why is this bad?
The release that is still running names the column in its queries, which fail from this moment; the values are gone
for good.

## Example
```sql
alter table app.docs drop column body;
```

## Use instead
```sql
-- dbkit: destructive no release has read docs.body since 41
alter table app.docs drop column body;
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

rule = Rule(
    code="L013", severity=Severity.ERROR, lock="ACCESS EXCLUSIVE, short; data loss", files=frozenset({MIGRATION})
)


@rule.on_alter("AT_DropColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if context.file.destructive or context.state.is_new(relation, context.file):
        return
    table = context.state.tables.get(context.state.key(relation))
    for command in commands(statement.node):
        column = table.columns.get(command.get("name", "")) if table else None
        added_here = column is not None and column.origin.file is context.file
        if command["subtype"] == "AT_DropColumn" and not added_here:
            yield Hit(
                f"column {command['name']} of {context.state.name(relation)} is dropped with its values",
                at=statement.start,
                object=context.state.name(relation),
                hint="Stop using it in one release, drop it in a later one, and say so: -- dbkit: destructive <why>.",
            )

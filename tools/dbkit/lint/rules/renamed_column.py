"""A column that running code uses is renamed.

## What it does
Reports RENAME COLUMN on a table or view that the same migration did not create.

## Why is this bad?
The release that is still running asks for the old name and fails from this moment until the new one is everywhere.

## Example
```sql
alter table app.docs rename column body to content;
```

## Use instead
```sql
alter table app.docs add column content text;
-- then: a trigger that keeps both alike, a batched backfill, readers, writers, and drop the old one
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L014",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE, short; breaks running code",
    files=frozenset({MIGRATION}),
)


@rule.on("RenameStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if node["renameType"] != "OBJECT_COLUMN" or context.state.is_new(node["relation"], context.file):
        return
    table = context.state.name(node["relation"])
    yield Hit(
        f"column {node['subname']} of {table} gets another name under running code",
        at=statement.start,
        object=table,
        hint="Add the new column, keep both alike by a trigger, backfill, switch the code, drop the old one.",
    )

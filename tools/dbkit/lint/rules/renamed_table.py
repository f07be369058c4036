"""A table or view that running code uses is renamed.

## What it does
Reports RENAME TO and SET SCHEMA of a table, view or materialized view that the same migration did not create.

## Why is this bad?
The release that is still running asks for the old name and fails from this moment until the new one is everywhere.

## Example
```sql
alter table app.docs rename to papers;
```

## Use instead
```sql
create view app.papers with (security_invoker = true) as select id, body from app.docs;
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

_KINDS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE")


@rule.on("RenameStmt", "AlterObjectSchemaStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if node.get("renameType", node.get("objectType")) not in _KINDS:
        return
    relation = node["relation"]
    key = context.state.key(relation)
    view = context.state.views.get(key)
    new = context.state.is_new(relation, context.file) or (view is not None and view.origin.file is context.file)
    if not new:
        yield Hit(
            f"{context.state.name(relation)} gets another name under running code",
            at=statement.start,
            object=context.state.name(relation),
            hint="Make a view of the new name over it, switch the code, then rename.",
        )

"""DROP SCHEMA in a migration.

## What it does
Reports DROP SCHEMA of a schema that the same migration did not create.

## Why is this bad?
Everything inside goes with it, now or, without CASCADE, as soon as somebody makes the migration pass: tables, rows,
functions that running code calls.

## Example
```sql
drop schema old_app;
```

## Use instead
```sql
comment on schema app is 'old_app is empty and goes by hand after release 42';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C043",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE on everything inside; data loss",
    files=frozenset({MIGRATION}),
)


@rule.on("DropStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if statement.node["removeType"] != "OBJECT_SCHEMA" or context.file.destructive:
        return
    for schema in names(statement.node.get("objects", ())):
        if context.state.schemas.get(schema) is not context.file:
            yield Hit(
                f"schema {schema} is dropped with everything inside",
                at=statement.start,
                object=schema,
                hint="Drop its objects one by one in migrations that name them.",
            )

"""TRUNCATE … CASCADE empties tables nobody named.

## What it does
Reports TRUNCATE with CASCADE in a migration.

## Why is this bad?
Every table with a foreign key to the named one is emptied too, and those that reference them; which ones depends on
the database it runs in.

## Example
```sql
truncate app.tenants cascade;
```

## Use instead
```sql
delete from app.tenants where name = 'test';
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
    code="C047",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE on every referencing table; data loss",
    files=frozenset({MIGRATION}),
)


@rule.on("TruncateStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relations = [item["RangeVar"] for item in statement.node["relations"]]
    new = all(context.state.is_new(relation, context.file) for relation in relations)
    if statement.node.get("behavior") == "DROP_CASCADE" and not new:
        tables = ", ".join(context.state.name(relation) for relation in relations)
        yield Hit(
            f"truncate of {tables} also empties every table that references it",
            at=statement.start,
            object=tables,
            hint="Delete the rows that are meant, in batches.",
        )

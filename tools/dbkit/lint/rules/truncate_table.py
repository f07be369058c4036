"""TRUNCATE in a migration.

## What it does
Reports TRUNCATE, without CASCADE, of a table that the same migration did not create.

## Why is this bad?
Every tenant's rows go: policies are not consulted, and no row is handed to DELETE triggers. Readers are locked out
meanwhile.

## Example
```sql
truncate app.docs;
```

## Use instead
```sql
delete from app.docs where id between 1 and 1000;
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
    code="C046",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE; data loss; ignores row security",
    files=frozenset({MIGRATION}),
)


@rule.on("TruncateStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if statement.node.get("behavior") == "DROP_CASCADE" or context.file.destructive:
        return
    for item in statement.node["relations"]:
        if not context.state.is_new(item["RangeVar"], context.file):
            table = context.state.name(item["RangeVar"])
            yield Hit(
                f"table {table} is emptied for every tenant",
                at=statement.offset(item["RangeVar"]),
                object=table,
                hint="Delete the rows that are meant, in batches.",
            )

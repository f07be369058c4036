"""ADD COLUMN of a serial type rewrites the table.

## What it does
Reports ADD COLUMN of type serial, bigserial or smallserial on a table that the same migration did not create.

## Why is this bad?
Its default is nextval(), which is volatile: table and indexes are written anew under ACCESS EXCLUSIVE.

## Example
```sql
alter table app.docs add column number bigserial;
```

## Use instead
```sql
alter table app.docs add column number bigint;
-- then: a sequence owned by the column, its default, and the rows in batches
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import SERIALS, column_type
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C014",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE and a rewrite of table and indexes",
    work="rewrite",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for table, column in context.added_columns(statement):
        if column_type(column) in SERIALS:
            yield Hit(
                f"serial column {column['colname']} rewrites {table}",
                at=statement.start,
                object=table,
                hint="Add a bigint column, create the sequence, set the default, then number the rows in batches.",
            )

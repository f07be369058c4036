"""DELETE without WHERE.

## What it does
Reports a DELETE without WHERE, or with one that is true of every row, from a table that the same file did not create,
also in WITH clauses, DO blocks and function bodies.

## Why is this bad?
Every row of every tenant goes. Where all rows are meant to go, the file can say so with an allowance.

## Example
```sql
delete from app.docs;
```

## Use instead
```sql
delete from app.docs where id between 1 and 1000;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.whole_table import WRITING, whole_tables
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L039",
    severity=Severity.ERROR,
    lock="every row locked until COMMIT; data loss",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("delete",),
)


@rule.on(*WRITING)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for relation, table in whole_tables(statement, "DeleteStmt", context):
        yield Hit(
            f"delete of every row of {table}",
            at=statement.start if statement.tag == "DeleteStmt" else statement.offset(relation),
            object=table,
            hint="Say which rows.",
        )

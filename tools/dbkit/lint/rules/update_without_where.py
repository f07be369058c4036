"""UPDATE without WHERE.

## What it does
Reports an UPDATE without WHERE, or with one that is true of every row, of a table that the same file did not create,
also in WITH clauses, DO blocks and function bodies.

## Why is this bad?
Every row is written and locked until the commit, the table doubles in size, every replica replays it, and where it
was a slip of the pen every tenant has it.

## Example
```sql
update app.docs set body = '';
```

## Use instead
```sql
update app.docs set body = '' where id between 1 and 1000 and body is null;
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
    lock="every row locked until COMMIT; the table doubles",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("update",),
)


@rule.on(*WRITING)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for relation, table in whole_tables(statement, "UpdateStmt", context):
        yield Hit(
            f"update of every row of {table}",
            at=statement.start if statement.tag == "UpdateStmt" else statement.offset(relation),
            object=table,
            hint="Say which rows, in batches: where id between … and ….",
        )

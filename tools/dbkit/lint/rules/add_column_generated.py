"""ADD COLUMN … GENERATED … STORED rewrites the table.

## What it does
Reports ADD COLUMN of a stored generated column on a table that the same migration did not create. A virtual one
(PostgreSQL 18) costs nothing.

## Why is this bad?
The value of every row is computed and stored: table and indexes are written anew under ACCESS EXCLUSIVE.

## Example
```sql
alter table app.docs add column size integer generated always as (length(body)) stored;
```

## Use instead
```sql
alter table app.docs add column size integer;
-- then: a trigger that fills it, and the rows in batches; or an index on the expression
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import constraints_of
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="C016",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE and a rewrite of table and indexes",
    work="rewrite",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for table, column in context.added_columns(statement):
        if _is_stored(column):
            yield Hit(
                f"generated column {column['colname']} rewrites {table}",
                at=statement.start,
                object=table,
                hint="Fill a plain column by a trigger and in batches, or index the expression.",
            )


def _is_stored(column: Node) -> bool:
    return any(
        constraint["contype"] == "CONSTR_GENERATED" and constraint.get("generated_kind", "s") == "s"
        for constraint in constraints_of(column)
    )

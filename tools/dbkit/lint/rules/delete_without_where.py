"""DELETE without WHERE.

## What it does
Reports a DELETE without WHERE or USING from a table that the same file did not create, also in DO blocks and function
bodies.

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
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L039",
    severity=Severity.ERROR,
    lock="every row locked until COMMIT; data loss",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
)


@rule.on("DeleteStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if (
        "whereClause" in statement.node
        or "usingClause" in statement.node
        or context.state.is_new(relation, context.file)
    ):
        return
    # In a body a bare name may be a temporary table or a CTE.
    if context.body is not None and "schemaname" not in relation and context.state.find(relation) is None:
        return
    table = context.state.name(relation)
    yield Hit(
        f"delete of every row of {table}",
        at=statement.start,
        object=table,
        hint="Say which rows.",
    )

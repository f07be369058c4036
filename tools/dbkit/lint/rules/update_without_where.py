"""UPDATE without WHERE.

## What it does
Reports an UPDATE without WHERE of a table that the same file did not create, also in DO blocks and function bodies.

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
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L039",
    severity=Severity.ERROR,
    lock="every row locked until COMMIT; the table doubles",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
)


@rule.on("UpdateStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if "whereClause" in statement.node or context.state.is_new(relation, context.file):
        return
    # In a body a bare name may be a temporary table or a CTE.
    if context.body is not None and "schemaname" not in relation and context.state.find(relation) is None:
        return
    table = context.state.name(relation)
    yield Hit(
        f"update of every row of {table}",
        at=statement.start,
        object=table,
        hint="Say which rows, in batches: where id between … and ….",
    )

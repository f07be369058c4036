"""CLUSTER.

## What it does
Reports CLUSTER of a table that the same migration did not create.

## Why is this bad?
It writes the table anew, in the order of an index, under ACCESS EXCLUSIVE; the order is not kept afterwards.

## Example
```sql
cluster app.orders using orders_pkey;
```

## Use instead
```sql
alter table app.orders set (autovacuum_vacuum_scale_factor = 0.02);
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
    code="C025",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE and a rewrite",
    work="rewrite",
    files=frozenset({MIGRATION}),
)


@rule.on("ClusterStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node.get("relation")
    if relation is None or not context.state.is_new(relation, context.file):
        table = context.state.name(relation) if relation else None
        yield Hit(
            f"cluster locks everybody out while it writes {table or 'every table'} anew",
            at=statement.start,
            object=table,
            hint="pg_repack orders a table without the lock.",
        )

"""DROP INDEX without CONCURRENTLY.

## What it does
Reports DROP INDEX of an index on a table that the same migration did not create. An index of a partitioned table can
be dropped in no other way and is left alone.

## Why is this bad?
It waits for ACCESS EXCLUSIVE on the table behind the longest running query, and everybody else waits behind it.

## Example
```sql
drop index app.orders_account_id_idx;
```

## Use instead
```sql
-- migrate:up transaction:false
drop index concurrently app.orders_account_id_idx;
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.fix import concurrently
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import dropped_names
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C003",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE on table and index",
    files=frozenset({MIGRATION}),
    fix="drop index concurrently, in a section without a transaction",
)


@rule.on("DropStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if node["removeType"] != "OBJECT_INDEX" or node.get("concurrent"):
        return
    for parts in dropped_names(node):
        table = context.state.index_table(parts)
        if table is not None and (table.origin.file is context.file or table.temporary or table.kind == "partitioned"):
            continue
        yield Hit(
            f"drop index {'.'.join(parts)} locks {table or 'its table'} against readers and writers",
            at=statement.start,
            object=".".join(parts),
            hint="Write drop index concurrently, in a file whose section says: -- migrate:up transaction:false",
            fix=partial(concurrently, statement, context.section),
        )

"""CREATE INDEX without CONCURRENTLY on an existing table blocks every write until the build ends.

## What it does
Reports a plain CREATE INDEX on a table that this migration did not create. `on only` a partitioned table builds
nothing and is fine; so are temporary tables.

## Why is this bad?
The build holds SHARE on the table: reads go on, every INSERT, UPDATE and DELETE waits. On a large table that is
minutes.

## Example
```sql
create index orders_total_idx on app.orders (tenant_id, total);
```

## Use instead
```sql
-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (tenant_id, total);
```
On a partitioned table: create it `on only` the parent, concurrently on each partition, then attach them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.fix import concurrently
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L010",
    severity=Severity.ERROR,
    lock="SHARE on the table for the whole build",
    work="build",
    files=frozenset({MIGRATION}),
    fix="create index concurrently, in a migration of its own where this one has a transaction",
)


@rule.on("IndexStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    relation = node["relation"]
    on_only = not relation.get("inh", False)
    if node.get("concurrent") or on_only or context.state.is_new(relation, context.file):
        return
    table = context.state.name(relation)
    found = context.state.find(relation)
    if found is not None and found.kind == "partitioned":
        hint = "Create it on only the parent, concurrently on each partition, then attach the partitions' indexes."
    else:
        hint = "Write create index concurrently, in a file whose section says: -- migrate:up transaction:false"
    yield Hit(
        f"index {node.get('idxname') or 'without a name'} blocks writes to {table} while it is built",
        at=statement.start,
        object=table,
        hint=hint,
        fix=partial(concurrently, statement, context.section, movable=True),
    )

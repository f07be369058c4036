"""DETACH PARTITION without CONCURRENTLY.

## What it does
Reports DETACH PARTITION without CONCURRENTLY on a table that the same migration did not create.

## Why is this bad?
It takes ACCESS EXCLUSIVE on the whole partitioned table: every query of every partition waits.

## Example
```sql
alter table app.events detach partition app.events_2024;
```

## Use instead
```sql
-- migrate:up transaction:false
alter table app.events detach partition app.events_2024 concurrently;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C006",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE on the partitioned table",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_DetachPartition")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if context.state.is_new(relation, context.file):
        return
    table = context.state.name(relation)
    for command in commands(statement.node):
        if command["subtype"] == "AT_DetachPartition" and not command["def"]["PartitionCmd"].get("concurrent"):
            yield Hit(
                f"every query of {table} waits while a partition is detached",
                at=statement.start,
                object=table,
                hint="Write detach partition … concurrently, in a section with transaction:false.",
            )

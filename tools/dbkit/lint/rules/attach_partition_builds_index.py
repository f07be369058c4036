"""ATTACH PARTITION builds the indexes the partition lacks.

## What it does
Reports ATTACH PARTITION of a table that the same migration did not create and that lacks an index or key of the
partitioned table.

## Why is this bad?
Each missing index is built while ACCESS EXCLUSIVE is held on the partition. One that is there already, built
concurrently, is taken over in an instant.

## Example
```sql
alter table app.metrics attach partition app.old_metrics for values from ('2024-01-01') to ('2025-01-01');
```

## Use instead
```sql
-- migrate:up transaction:false
create index concurrently old_metrics_at_idx on app.old_metrics (at);
alter table app.metrics attach partition app.old_metrics for values from ('2024-01-01') to ('2025-01-01');
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import Index, Table
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C172",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE on the partition while indexes are built",
    work="build",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AttachPartition")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    parent = context.state.find(statement.node["relation"])
    for command in commands(statement.node):
        if command["subtype"] != "AT_AttachPartition" or parent is None:
            continue
        child_node = command["def"]["PartitionCmd"]["name"]
        child = context.state.find(child_node)
        if child is None or context.state.is_new(child_node, context.file):
            continue
        missing = [index.name for index in parent.indexes.values() if not _has(child, index)]
        if missing:
            yield Hit(
                f"{child} has no index to match {', '.join(missing)} of {parent}, so it is built under lock",
                at=statement.start,
                object=str(child),
                hint="Build it concurrently on the partition first.",
            )


def _has(child: Table, wanted: Index) -> bool:
    return any(
        (index.method, index.keys, index.rest, index.unique) == (wanted.method, wanted.keys, wanted.rest, wanted.unique)
        for index in child.indexes.values()
    )

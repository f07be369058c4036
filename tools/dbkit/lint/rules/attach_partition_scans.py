"""ATTACH PARTITION reads the whole table.

## What it does
Reports ATTACH PARTITION of a table that the same migration did not create and that has no validated CHECK on the
columns of the partition key.

## Why is this bad?
To be sure that every row fits the bound PostgreSQL reads the table while it holds ACCESS EXCLUSIVE on it. A validated
CHECK that says the same spares the scan.

## Example
```sql
alter table app.events attach partition app.old_events for values from ('2024-01-01') to ('2025-01-01');
```

## Use instead
```sql
-- migrate:up transaction:false
alter table app.old_events add constraint old_events_bound
    check (at >= '2024-01-01' and at < '2025-01-01') not valid;
alter table app.old_events validate constraint old_events_bound;
alter table app.events attach partition app.old_events for values from ('2024-01-01') to ('2025-01-01');
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import Table
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands, names, walk
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C007",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE on the partition while it is read",
    work="scan",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AttachPartition")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if (
        statement.node.get("objtype") == "OBJECT_INDEX"
    ):  # an index of a partition joins that of the table: no row is read
        return
    for command in commands(statement.node):
        if command["subtype"] != "AT_AttachPartition":
            continue
        child_node = command["def"]["PartitionCmd"]["name"]
        if context.state.is_new(child_node, context.file):
            continue
        parent, child = context.state.find(statement.node["relation"]), context.state.find(child_node)
        if child is None or not _is_proven(child, parent):
            name = context.state.name(child_node)
            yield Hit(
                f"every row of {name} is read to see that it fits the partition",
                at=statement.start,
                object=name,
                hint="Add a check that says the bound, not valid, validate it, then attach.",
            )


def _is_proven(child: Table, parent: Table | None) -> bool:
    """Whether a validated check speaks of the partition key."""
    key = {column for column in parent.partition_key if column} if parent else set()
    for constraint in child.constraints.values():
        if constraint.kind == "check" and constraint.valid:
            used = {names(node["fields"])[-1:][0] for tag, node in walk(constraint.expression) if tag == "ColumnRef"}
            if key <= used and used:
                return True
    return False

"""CREATE TABLE … PARTITION OF locks the whole parent.

## What it does
Reports CREATE TABLE … PARTITION OF a table that the same migration did not create.

## Why is this bad?
It takes ACCESS EXCLUSIVE on the partitioned table: every query of every partition waits. A table made beside it and
attached takes SHARE UPDATE EXCLUSIVE on the parent.

## Example
```sql
create table app.events_2030 partition of app.events for values from ('2030-01-01') to ('2031-01-01');
```

## Use instead
```sql
create table app.events_2030 (like app.events including all);
alter table app.events attach partition app.events_2030 for values from ('2030-01-01') to ('2031-01-01');
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
    code="C173",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE on the partitioned table",
    files=frozenset({MIGRATION}),
)


@rule.on("CreateStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if "partbound" not in node:
        return
    for item in node["inhRelations"]:
        parent = item["RangeVar"]
        if not context.state.is_new(parent, context.file):
            name = context.state.name(parent)
            yield Hit(
                f"every query of {name} waits while a partition is created",
                at=statement.start,
                object=context.state.name(node["relation"]),
                hint=f"create table … (like {name} including all); then alter table {name} attach partition ….",
            )

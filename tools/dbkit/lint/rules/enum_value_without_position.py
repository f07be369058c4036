"""A new enum value without a place in the order.

## What it does
Reports ALTER TYPE … ADD VALUE without BEFORE or AFTER.

## Why is this bad?
It becomes the last one. Enums sort by that order, and neither order nor value can be changed afterwards.

## Example
```sql
alter type app.order_state add value 'draft';
```

## Use instead
```sql
alter type app.order_state add value 'draft' before 'new';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C039", severity=Severity.WARNING, files=frozenset({MIGRATION}))


@rule.on("AlterEnumStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if "oldVal" not in node and "newValNeighbor" not in node:
        name = ".".join(names(node["typeName"]))
        yield Hit(
            f"'{node['newVal']}' becomes the last value of {name} for ever",
            at=statement.start,
            object=name,
            hint="Write before '…' or after '…'.",
        )

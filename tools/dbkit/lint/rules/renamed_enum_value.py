"""An enum label that running code uses is renamed.

## What it does
Reports ALTER TYPE … RENAME VALUE in a migration.

## Why is this bad?
Every literal of the old label in running code, function bodies and views built as text raises 22P02 from this moment.

## Example
```sql
alter type app.order_state rename value 'void' to 'cancelled';
```

## Use instead
```sql
alter type app.order_state add value 'cancelled' after 'void';
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

rule = Rule(code="C051", severity=Severity.WARNING, lock="breaks running code", files=frozenset({MIGRATION}))


@rule.on("AlterEnumStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if "oldVal" in node:
        name = ".".join(names(node["typeName"]))
        yield Hit(
            f"label {node['oldVal']} of {name} gets another name under running code",
            at=statement.start,
            object=name,
            hint="Add the new label, switch the code and the rows.",
        )

"""VACUUM FULL.

## What it does
Reports VACUUM FULL.

## Why is this bad?
It writes the table anew under ACCESS EXCLUSIVE: nobody reads or writes until it is done, and the disk holds both
copies meanwhile.

## Example
```sql
-- migrate:up transaction:false
vacuum (full) app.docs;
```

## Use instead
```sql
-- migrate:up transaction:false
vacuum (analyze) app.docs;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import true_option
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C024",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE and a rewrite",
    work="rewrite",
    files=frozenset({MIGRATION}),
)


@rule.on("VacuumStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if true_option(statement.node.get("options", ()), "full"):
        yield Hit(
            "vacuum full locks everybody out while it writes the table anew",
            at=statement.start,
            hint="Plain vacuum makes the room usable again; pg_repack gives it back without the lock.",
        )

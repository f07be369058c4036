"""LOCK TABLE in its strongest mode.

## What it does
Reports LOCK TABLE without a mode, or IN ACCESS EXCLUSIVE MODE, on a table that the same file did not create; function
bodies are read, too. NOWAIT is no excuse: whoever gets the lock keeps everybody out.

## Why is this bad?
Without a mode it is ACCESS EXCLUSIVE: plain SELECTs wait, too. Keeping writers out takes no more than SHARE ROW
EXCLUSIVE.

## Example
```sql
lock table app.docs;
```

## Use instead
```sql
lock table app.docs in share row exclusive mode;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.locks import Lock
from dbkit.lint.rule import DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C026",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE until COMMIT",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
)


@rule.on("LockStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if statement.node["mode"] != Lock.ACCESS_EXCLUSIVE:
        return
    for item in statement.node["relations"]:
        if not context.state.is_new(item["RangeVar"], context.file):
            table = context.state.name(item["RangeVar"])
            yield Hit(
                f"lock table keeps readers of {table} out, too",
                at=statement.start,
                object=table,
                hint="Name the weakest mode that does: in share row exclusive mode keeps writers out.",
            )

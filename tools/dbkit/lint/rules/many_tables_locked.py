"""Strong locks on many tables in one transaction.

## What it does
Reports a transaction that takes ACCESS EXCLUSIVE on three or more tables the migration did not
create.

## Why is this bad?
The first table stays locked while the others are waited for: a wide window in which everybody waits, and one more
order of locks in which two transactions can deadlock.

## Example
```sql
alter table app.accounts add column region text;
alter table app.docs add column region text;
alter table app.events add column region text;
```

## Use instead
```sql
alter table app.accounts add column region text;
-- the other two in migrations of their own
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.locks import Lock
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.timeouts import strong_locks
from dbkit.report import Severity

rule = Rule(
    code="C030",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE on several tables until COMMIT",
    files=frozenset({MIGRATION}),
)

_MANY = 3


@rule.settled_with("locks")
def check(context: Context) -> Iterator[Hit]:
    by_transaction: dict[int, dict[str, int]] = {}
    for locking in strong_locks(context):
        tables = by_transaction.setdefault(locking.transaction, {})
        for table, lock in locking.held:
            if lock is Lock.ACCESS_EXCLUSIVE:
                tables.setdefault(table, locking.statement.start)
    for tables in by_transaction.values():
        if len(tables) >= _MANY:
            names = list(tables)
            yield Hit(
                f"one transaction locks {len(tables)} tables: {', '.join(names[:4])}{' …' if len(names) > 4 else ''}",
                at=tables[names[_MANY - 1]],
                object=names[_MANY - 1],
                hint="Change each table in a migration of its own.",
            )

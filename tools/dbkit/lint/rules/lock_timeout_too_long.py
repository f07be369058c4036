"""lock_timeout of zero or of minutes.

## What it does
Reports a lock_timeout of 0, or of more than 30 seconds, that is in force when a statement takes a strong lock on a
table the migration did not create.

## Why is this bad?
Zero means to wait for ever. While the statement waits, everybody who comes later waits behind it: the timeout is how
long the application stands still.

## Example
```sql
set lock_timeout = 0;
set statement_timeout = '30s';
alter table app.docs add column region text;
```

## Use instead
```sql
set lock_timeout = '2s';
set statement_timeout = '30s';
alter table app.docs add column region text;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.timeouts import strong_locks
from dbkit.report import Severity

rule = Rule(code="C029", severity=Severity.WARNING, lock="ACCESS EXCLUSIVE queue", files=frozenset({MIGRATION}))

_LONGEST = 30_000  # milliseconds


@rule.settled_with("locks")
def check(context: Context) -> Iterator[Hit]:
    reported = set()
    for locking in strong_locks(context):
        timeout = locking.lock_timeout
        if timeout is None or 0 < timeout.milliseconds <= _LONGEST or timeout.statement.start in reported:
            continue
        reported.add(timeout.statement.start)
        yield Hit(
            "lock_timeout = 0 waits for ever" if not timeout.milliseconds else "lock_timeout is longer than 30 s",
            at=timeout.statement.start,
            object=locking.tables[0],
            hint="Write set lock_timeout = '2s'; and run the migration again when it does not get the lock.",
        )

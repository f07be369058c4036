"""Strong lock without a statement_timeout.

## What it does
Reports, once a file, the first statement that takes SHARE ROW EXCLUSIVE or a stronger lock on a table the migration
did not create while no statement_timeout is set, or one of 0, which is none. Migrations that dbkit runs are watched by
their runner and are left alone.

## Why is this bad?
Where the statement scans or rewrites more than expected it holds the lock for as long as that takes.

## Example
```sql
set local lock_timeout = '2s';
alter table app.docs add column region text;
```

## Use instead
```sql
set local lock_timeout = '2s';
set local statement_timeout = '30s';
alter table app.docs add column region text;
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.fix import before_statement
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.timeouts import strong_locks
from dbkit.report import Severity

rule = Rule(
    code="C028",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE held without a bound",
    files=frozenset({MIGRATION}),
    fix="set local statement_timeout = '30s'",
)


@rule.settled_with("locks")
def check(context: Context) -> Iterator[Hit]:
    # This project's own runner watches its statements and says who waits.
    if context.file.own_line:
        return
    for locking in strong_locks(context):
        timeout = locking.statement_timeout
        if timeout is None or not timeout.milliseconds:
            yield Hit(
                f"{locking.lock} on {', '.join(locking.tables)} may be held for any time without a statement_timeout",
                at=locking.statement.start,
                object=locking.tables[0],
                hint="Begin with: set local statement_timeout = '30s';",
                fix=partial(
                    before_statement,
                    locking.statement,
                    "set local statement_timeout = '30s';",
                    context.file.section_at(locking.statement.start),
                ),
            )
            return

"""Strong lock without a statement_timeout.

## What it does
Reports, once a file, the first statement that takes SHARE ROW EXCLUSIVE or a stronger lock on a table the migration
did not create, a DO block's included, while no statement_timeout is set, or one of 0, which is none. SET LOCAL lasts
until its transaction ends and does nothing outside of one. Migrations that dbkit runs are watched by their runner and
are left alone.

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

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.timeouts import first_unbounded
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
    yield from first_unbounded(context, "statement_timeout", "30s", "may be held for any time", or_zero=True)

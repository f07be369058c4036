"""Strong lock without a lock_timeout.

## What it does
Reports, once a file, the first statement that takes SHARE ROW EXCLUSIVE or a stronger lock on a table the migration
did not create, a DO block's included, while no lock_timeout is set. SET LOCAL lasts until its transaction ends and does
nothing outside of one. Migrations that dbkit runs have a timeout.

## Why is this bad?
The statement waits behind the longest transaction on the table, and everybody who comes later waits behind the
statement: one forgotten session stops the whole application.

## Example
```sql
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
    code="C027",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE queue without a bound",
    files=frozenset({MIGRATION}),
    fix="set local lock_timeout = '2s'",
)


@rule.settled_with("locks")
def check(context: Context) -> Iterator[Hit]:
    # This project's own runner sets [migrations] lock_timeout for every file; 0 is lock_timeout_too_long's.
    yield from first_unbounded(context, "lock_timeout", "2s", "is waited for")

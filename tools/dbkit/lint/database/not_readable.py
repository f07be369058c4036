"""Something the login may not read, so that nothing is said about it.

## What it does
Names what this login may not see: last values of sequences, column statistics, sessions of other roles.

## Why is this bad?
A rule that could not look is silent, and silence looks like health.

## Example
```sql
-- a login that may not read app.orders_id_seq
```

## Use instead
```sql
grant pg_monitor to lint_reader;
grant pg_read_all_data to lint_reader;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S015", severity=Severity.NOTE, files=frozenset())


def check(database: Live) -> Iterator[Defect]:
    for what, why, remedy in database.not_read:
        yield Defect(what, f"not read: {what}", detail=why, hint=remedy)

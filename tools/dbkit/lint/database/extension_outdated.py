"""Extension older than what the server has installed.

## What it does
Reports an extension whose version differs from the default version of the server's packages.

## Why is this bad?
The library is the new one, the SQL objects are the old ones: repairs of both are missing, security repairs among
them, and pg_upgrade carries the old version on.

## Example
```sql
select extversion from pg_extension where extname = 'pg_cron';  -- 1.4, the server has 1.6
```

## Use instead
```sql
alter extension pg_cron update;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S006", severity=Severity.WARNING, files=frozenset())


def check(database: Live) -> Iterator[Defect]:
    for name, available in database.outdated.items():
        installed = database.snapshot.extensions[name].version
        yield Defect(
            name,
            f"extension {name} is at version {installed}, the server has {available}",
            hint=f'alter extension "{name}" update;',
        )

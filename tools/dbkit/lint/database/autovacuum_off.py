"""Autovacuum or the statistics it needs are switched off.

## What it does
Reports autovacuum or track_counts switched off for the server, and tables with autovacuum_enabled=false.

## Why is this bad?
Dead rows pile up, statistics grow old, and in the end the server freezes tables at the worst moment.

## Example
```sql
alter table app.events set (autovacuum_enabled = false);
```

## Use instead
```sql
alter table app.events reset (autovacuum_enabled);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S014", severity=Severity.WARNING, files=frozenset())


def check(database: Live) -> Iterator[Defect]:
    for name in ("autovacuum", "track_counts"):
        if database.settings.get(name) == "off":
            yield Defect(
                name,
                f"{name} is off",
                hint=f"alter system reset {name}; select pg_reload_conf();",
                severity=Severity.ERROR,
            )
    for table in database.snapshot.tables.values():
        if any(option in ("autovacuum_enabled=false", "autovacuum_enabled=off") for option in table.options):
            yield Defect(
                table.key,
                f"autovacuum is off for {table.key}",
                hint=f"alter table {table.key} reset (autovacuum_enabled);",
            )

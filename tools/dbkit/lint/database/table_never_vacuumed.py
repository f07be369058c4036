"""Table with many dead rows that nobody has vacuumed.

## What it does
Reports a table with 10,000 or more dead rows, a fifth or more of all, that was never vacuumed.

## Why is this bad?
Every scan reads the dead rows, index-only scans do not work, and transaction ids grow old.

## Example
```sql
update app.events set done = true;  -- a million dead rows, autovacuum off
```

## Use instead
```sql
vacuum app.events;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S009", severity=Severity.WARNING, files=frozenset())

_MANY = 10_000


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        use = database.tables.get(table.key)
        if use is not None and not use.vacuumed and use.dead >= max(_MANY, (use.live + use.dead) // 5):
            yield Defect(
                table.key,
                f"table {table.key} was never vacuumed",
                detail=f"{use.dead:,} of its {use.live + use.dead:,} rows are dead.",
                hint=f"vacuum {table.key}; and find out why autovacuum does not.",
            )

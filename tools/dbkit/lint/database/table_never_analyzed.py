"""Table with many rows that nobody has analyzed.

## What it does
Reports a table with 10,000 or more changed rows and no statistics at all.

## Why is this bad?
The planner guesses how many rows a condition leaves, and chooses joins and scans by the guess.

## Example
```sql
copy app.events from stdin;  -- a million rows, autovacuum off
```

## Use instead
```sql
analyze app.events;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S008", severity=Severity.WARNING, files=frozenset())

_MANY = 10_000


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        use = database.tables.get(table.key)
        if use is not None and not use.analyzed and use.changed >= _MANY:
            yield Defect(
                table.key,
                f"table {table.key} was never analyzed",
                detail=f"{use.changed:,} rows changed.",
                hint=f"analyze {table.key}; and find out why autovacuum does not.",
            )

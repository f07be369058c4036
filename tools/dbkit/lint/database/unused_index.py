"""Index that no query has used since the statistics began.

## What it does
Reports a valid index of 1 MB or more that was never scanned, on a table that was. Left alone: indexes of keys and
constraints, unique ones, the replica identity, partitions' indexes, and the only index that leads with a foreign key.
While the statistics are younger than 30 days it is a note; the detail names their age.

## Why is this bad?
Every INSERT and most UPDATEs write it, VACUUM cleans it, backups carry it, and nobody reads it. A standby keeps
statistics of its own: an index may be used there.

## Example
```sql
create index orders_note_idx on app.orders (note);  -- idx_scan = 0 after a month
```

## Use instead
```sql
-- When every standby's pg_stat_user_indexes says the same:
drop index concurrently app.orders_note_idx;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_facts import megabytes
from dbkit.lint.live_indexes import serves_foreign_key
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S001", severity=Severity.WARNING, files=frozenset())

# Below this an index costs nothing worth a thought.
_SMALLEST = 1024 * 1024
# What a monthly report reads is not unused before.
_DAYS = 30


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        used = database.tables.get(table.key)
        if used is None or not used.scans:
            continue
        for index in table.indexes.values():
            use = database.indexes.get(index.key)
            if use is None or use.scans or use.bytes < _SMALLEST or use.replica_identity or not index.valid:
                continue
            if index.unique or index.constraint or index.parent or serves_foreign_key(index, table):
                continue
            days = database.stats_age // 86400
            yield Defect(
                index.key,
                f"index {index.key} on {table.key} is never used",
                detail=f"It has {megabytes(use.bytes)} and no scan in the {days} days since the statistics began, while"
                f" the table had {used.scans}.",
                hint=f"Look at the standbys too, then: drop index concurrently {index.key};",
                severity=None if days >= _DAYS else Severity.NOTE,
            )

"""Table of which most is free space.

## What it does
Estimates, from the widths ANALYZE found, the pages a table's rows need, and reports a table of 10 MB or more that has
twice as many. It is an estimate; pgstattuple measures.

## Why is this bad?
Sequential scans, backups and the cache carry the empty pages. VACUUM makes them free for new rows but gives back only
those at the end of the file.

## Example
```sql
delete from app.events where created_at < now() - interval '1 month';  -- nine rows of ten
```

## Use instead
```sql
-- Away from the peak, and without the lock of vacuum full:
-- pg_repack --table app.events
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_facts import SMALLEST_BLOAT, megabytes
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S002", severity=Severity.WARNING, files=frozenset())


def check(database: Live) -> Iterator[Defect]:
    for bloat in database.table_bloat:
        if bloat.wasted >= SMALLEST_BLOAT and bloat.wasted * 2 > bloat.actual:
            yield Defect(
                bloat.key,
                f"table {bloat.key} is more than half empty",
                detail=f"By estimate {megabytes(bloat.wasted)} of its {megabytes(bloat.actual)} are free space.",
                hint="Rewrite it with pg_repack, or vacuum full in a maintenance window; partition what is deleted in"
                " bulk, so that it can be dropped.",
            )

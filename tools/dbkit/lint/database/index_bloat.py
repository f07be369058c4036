"""Index of which most is free space.

## What it does
Estimates the pages a B-tree's entries need and reports an index of 10 MB or more that has twice as many. It is an
estimate; pgstatindex measures.

## Why is this bad?
A scan reads the half-empty pages, and they take the cache that rows need.

## Example
```sql
delete from app.events where id % 10 <> 0;  -- leaves a tenth of the entries on every page
```

## Use instead
```sql
reindex index concurrently app.events_pkey;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_facts import SMALLEST_BLOAT, megabytes
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S003", severity=Severity.WARNING, files=frozenset())


def check(database: Live) -> Iterator[Defect]:
    for bloat in database.index_bloat:
        if bloat.wasted >= SMALLEST_BLOAT and bloat.wasted * 2 > bloat.actual:
            yield Defect(
                bloat.key,
                f"index {bloat.key} is more than half empty",
                detail=f"By estimate {megabytes(bloat.wasted)} of its {megabytes(bloat.actual)} are free space.",
                hint=f"reindex index concurrently {bloat.key};",
            )

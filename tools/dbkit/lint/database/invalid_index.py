"""Index that a failed build left INVALID.

## What it does
Reports an index that is not valid and that nobody is building. An index `on only` a partitioned table stays invalid
until every partition's index is attached.

## Why is this bad?
Every write maintains it and no query uses it; a unique one enforces nothing that was there before. `if not exists`
takes it for done.

## Example
```sql
create unique index concurrently users_email_key on app.users (email);  -- failed on a duplicate
```

## Use instead
```sql
drop index concurrently app.users_email_key;
-- mend the duplicate, then:
create unique index concurrently users_email_key on app.users (email);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S005", severity=Severity.ERROR, files=frozenset())


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.relations():
        for index in table.indexes.values():
            use = database.indexes.get(index.key)
            if index.valid or use is None or use.building:
                continue
            partitioned = table.kind == "partitioned table"
            yield Defect(
                index.key,
                f"index {index.key} on {table.key} is invalid",
                detail="Not every partition has an index attached to it." if partitioned else None,
                hint="Create the index concurrently on each partition and attach it."
                if partitioned
                else f"drop index concurrently {index.key}; and build it again, or: reindex index concurrently"
                f" {index.key};",
            )

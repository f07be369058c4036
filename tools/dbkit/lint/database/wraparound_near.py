"""Transaction or multixact ids that autovacuum does not freeze in time.

## What it does
Compares the age of each table and database with the age at which autovacuum freezes it. A quarter beyond that is a
warning: autovacuum does not keep up. From 1.6 thousand million on it is an error.

## Why is this bad?
At 2.1 thousand million the server stops taking writes until somebody vacuums by hand.

## Example
```sql
select age(relfrozenxid) from pg_class where oid = 'app.events'::regclass;  -- 1,700,000,000
```

## Use instead
```sql
vacuum (freeze, verbose) app.events;
-- and end what holds it back: old transactions, prepared ones, replication slots
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S007", severity=Severity.WARNING, files=frozenset())

_LATE = 1.25
_ALARM = 1_600_000_000


def check(database: Live) -> Iterator[Defect]:
    late = []
    for key, use in database.tables.items():
        for noun, age, limit in (
            ("transactions", use.xid_age, use.xid_limit),
            ("multixacts", use.multixact_age, use.multixact_limit),
        ):
            if age is not None and age > limit * _LATE:
                late.append((age, f"table {key}", key, noun, limit))
    if not late:  # a database of its own, or a catalog of this one
        for row in database.databases:
            for noun, age, limit in (
                ("transactions", row["xid_age"], row["xid_limit"]),
                ("multixacts", row["multixact_age"], row["multixact_limit"]),
            ):
                if age > limit * _LATE:
                    late.append((age, f"database {row['name']}", row["name"], noun, limit))
    for age, what, key, noun, limit in sorted(late, reverse=True):
        yield Defect(
            key,
            f"{what} has {noun} that are not frozen in time",
            detail=f"The oldest is {age:,} {noun} old; autovacuum should have frozen it at {limit:,}.",
            hint="vacuum (freeze) it, and end what holds it back: old transactions, prepared ones, replication slots.",
            severity=Severity.ERROR if age >= _ALARM else None,
        )

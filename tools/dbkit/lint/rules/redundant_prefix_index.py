"""Index that is the beginning of another.

## What it does
Reports a plain B-tree index whose columns are the first columns of another B-tree index of the table with the same
predicate. Unique indexes are left alone: they also state a rule.

## Why is this bad?
The longer index answers the same queries; every write pays for both.

## Example
```sql
create table app.notes (
    id    bigint generated always as identity primary key,
    title text,
    at    timestamptz
);
create index notes_title_idx on app.notes (title);
create index notes_title_at_idx on app.notes (title, at);
```

## Use instead
```sql
create table app.notes (
    id    bigint generated always as identity primary key,
    title text,
    at    timestamptz
);
create index notes_title_at_idx on app.notes (title, at);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L043", severity=Severity.WARNING)


@rule.concluded_with("indexes")
def check(context: Context) -> Iterator[Hit]:
    made = list(context.indexes_here())
    for table, index in made:
        for other in table.indexes.values():
            for short, long in ((index, other), (other, index)):
                is_prefix = len(short.keys) < len(long.keys) and long.keys[: len(short.keys)] == short.keys
                if not is_prefix or not short.keys or short.unique or short.rest != long.rest:
                    continue
                if short.method == long.method == "btree":
                    made_here = short.origin.file is context.file
                    yield Hit(
                        f"index {short.name} on {table} is the beginning of {long.name}",
                        at=short.origin if made_here else index.origin,
                        object=str(table),
                        hint=f"Drop {short.name}.",
                        severity=None if made_here else Severity.NOTE,
                    )

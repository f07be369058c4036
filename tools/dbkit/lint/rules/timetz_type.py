"""Column of type time with time zone.

## What it does
Reports a column of type timetz, new or changed to it.

## Why is this bad?
The offset of a zone depends on the date, which is missing: the value cannot be turned into an instant, and half a
year later it means another time of day. The type exists because the SQL standard has it.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    opens_at timetz not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    opens_at time not null,
    timezone text not null
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C068", severity=Severity.WARNING)


@rule.on_column("timetz")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    yield Hit(
        f"column {name} is a time with time zone and without a date",
        at=statement.offset(column),
        hint="Write time and keep the name of the zone beside it, or timestamptz.",
    )

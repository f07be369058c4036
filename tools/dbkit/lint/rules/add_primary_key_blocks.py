"""ADD PRIMARY KEY builds its index under lock.

## What it does
Reports ADD PRIMARY KEY without USING INDEX on a table that the same migration did not create.

## Why is this bad?
The index is built, and every row read to see that no column is null, while ACCESS EXCLUSIVE keeps everybody out.

## Example
```sql
alter table app.events add constraint events_pkey primary key (tenant_id, at);
```

## Use instead
```sql
-- migrate:up transaction:false
create unique index concurrently events_pkey on app.events (tenant_id, at);
alter table app.events add constraint events_pkey primary key using index events_pkey;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C020",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE while the index is built and nulls are looked for",
    work="build",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AddConstraint", "AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for table, offset in context.built_constraints(statement, "CONSTR_PRIMARY"):
        yield Hit(
            f"primary key builds its index while nobody can use {table}",
            at=offset,
            object=table,
            hint="Build a unique index concurrently, then add primary key using index.",
        )

"""Tenant table with no index that leads with the tenant column.

## What it does
Reports a table with a tenant column on which no valid index begins with that column. A table below 1,000 rows is a
note.

## Why is this bad?
Every policy and every query of a tenant reads the rows of all tenants.

## Example
```sql
create table app.notes (id bigint primary key, tenant_id uuid not null, body text);
```

## Use instead
```sql
create index concurrently notes_tenant_idx on app.notes (tenant_id, id);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_indexes import leading_index
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S010", severity=Severity.WARNING, files=frozenset())

# A scan of so few rows is as quick as an index.
_FEW = 1_000


def check(database: Live) -> Iterator[Defect]:
    for table in database.own_tables():
        column = database.tenant_column(table)
        if column is None or leading_index(table, (column,)):
            continue
        use = database.tables.get(table.key)
        few = use is not None and use.rows is not None and use.rows < _FEW
        yield Defect(
            table.key,
            f"tenant column {column} of {table.key} leads no index",
            detail=f"{table.key} has about {use.rows} rows." if use and use.rows is not None else None,
            hint=f"create index concurrently on {table.key} ({column}, …); best the primary key itself.",
            severity=Severity.NOTE if few else None,
        )

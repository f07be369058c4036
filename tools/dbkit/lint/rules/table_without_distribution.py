"""Table that is neither spread by a tenant column nor declared as shared, where tables are distributed.

## What it does
Notes, in profile citus, a new table without tenant column that `[tenancy]` lists neither as shared nor as internal.

## Why is this bad?
Citus has to be told for each table: spread by the tenant column (create_distributed_table), or kept whole on every node
(create_reference_table). A table nobody decided about stays on the coordinator, where the nodes cannot join it.

## Example
```sql
create table app.parcels (
    id uuid primary key
);
```

## Use instead
```sql
create table app.parcels (
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import CITUS, Hit, Rule
from dbkit.report import Severity

rule = Rule(code="D004", severity=Severity.NOTE, set=CITUS)


@rule.settled_with("tables")
def check(context: Context) -> Iterator[Hit]:
    for table in context.made_here():
        decided = table.key in context.tenants.exempt or table.key == context.tenants.registry
        if table.kind in ("table", "partitioned") and not decided and context.tenants.column(table) is None:
            yield Hit(
                f"nothing says how {table} is spread over nodes",
                at=table.origin,
                object=str(table),
                hint="Give it the tenant column, or list it under [tenancy] shared and make it a reference table.",
            )

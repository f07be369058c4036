"""Key of a tenant table without its tenant column, where tables are distributed.

## What it does
Reports, in profile citus, a primary key, unique key, unique index or exclusion constraint of a tenant table that leaves
the tenant column out.

## Why is this bad?
Rows are spread over nodes by the tenant column. A node can see that a key is unique among its own rows only, so Citus
refuses to distribute a table with such a key.

## Example
```sql
create table app.parcels (
    id        uuid primary key,
    tenant_id uuid not null
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

rule = Rule(code="D001", severity=Severity.ERROR, set=CITUS, lock="create_distributed_table() fails 0A000")


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    for table, index in context.indexes_here():
        tenant = context.tenants.column(table)
        if tenant is not None and index.unique and tenant not in index.columns:
            yield Hit(
                f"unique key {index.name} of {table} does not hold {tenant}, by which rows are spread",
                at=index.origin,
                object=str(table),
                hint=f"Add it: ({', '.join((tenant, *(column or '…' for column in index.columns)))})",
            )
    for table, constraint in context.constraints_here():
        tenant = context.tenants.column(table)
        if tenant is not None and constraint.kind == "exclude" and tenant not in constraint.columns:
            yield Hit(
                f"exclusion constraint {constraint.name} of {table} does not hold {tenant}, by which rows are spread",
                at=constraint.origin,
                object=str(table),
                hint=f"Begin it with: {tenant} with =",
            )

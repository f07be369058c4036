"""Primary key of a tenant table that does not begin with the tenant column.

## What it does
Reports a tenant table whose primary key has another first column than the tenant's, or none. Tables whose tenant
column is their own key (a company is its own tenant) begin with it by definition.

## Why is this bad?
Other tables can only reference `(tenant_id, id)` if that is a key, so the reference that cannot cross tenants is not
available. A key that leads with the tenant also keeps one tenant's rows together in the index, can be partitioned by
tenant, and distributes on Citus.

## Example
```sql
create table app.notes (
    tenant_id uuid not null,
    id        uuid primary key
);
```

## Use instead
```sql
create table app.notes (
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L033", severity=Severity.ERROR, set=HOUSE)


@rule.settled_with("tables")
def check(context: Context) -> Iterator[Hit]:
    for table in context.made_here():
        tenant = context.tenants.column(table)
        key = table.primary_key
        if table.kind not in ("table", "partitioned") or tenant is None or key[:1] == (tenant,):
            continue
        yield Hit(
            f"primary key of {table} does not begin with {tenant}" if key else f"{table} has no primary key",
            at=table.origin,
            object=str(table),
            hint=f"primary key ({', '.join((tenant, *(column for column in key if column != tenant)))}"
            + (")" if key else ", id)"),
        )

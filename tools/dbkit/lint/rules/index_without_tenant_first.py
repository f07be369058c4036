"""Index of a tenant table that does not begin with the tenant column.

## What it does
Reports a plain B-tree index of a tenant table whose first column is not the tenant's, unless that column is part of the
primary key or of a foreign key, or the index has a predicate (`where status = 'pending'`).

## Why is this bad?
Every query of a tenant filters by the tenant column, and the policy adds that filter where the query does not. An index
that leads with another column reads the entries of all tenants and throws most away.

## Example
```sql
-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (total);
```

## Use instead
```sql
-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (tenant_id, total);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L052", severity=Severity.WARNING, lock="none; every tenant query scans all tenants")


@rule.settled_with("indexes")
def check(context: Context) -> Iterator[Hit]:
    for table, index in context.indexes_here():
        tenant = context.tenants.column(table)
        if tenant is None or index.unique or index.method != "btree" or index.predicate is False:
            continue
        if table.kind not in ("table", "partitioned") or not index.columns or index.columns[0] == tenant:
            continue
        first = index.columns[0]
        if first is None and f'"{tenant}"' in index.keys[0]:
            continue
        # One parent's rows, or one key's, belong to one tenant as it is.
        keyed = {column for key in table.foreign_keys() for column in key.columns} | set(table.primary_key)
        if first in keyed or first in table.partition_key:
            continue
        yield Hit(
            f"index {index.name} of {table} leads with {first or 'an expression'}, not with {tenant}",
            at=index.origin,
            object=str(table),
            hint=f"({', '.join([tenant, *(column or '…' for column in index.columns if column != tenant)])})",
        )

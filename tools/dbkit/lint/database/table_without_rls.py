"""Tenant table without row level security.

## What it does
Reports a table with a tenant column that has no row level security. A partition counts where a role other than its
owner holds a privilege on it: partitions are guarded by their parent only when reached through it.

## Why is this bad?
Every role that may read the table reads the rows of every tenant.

## Example
```sql
create table app.notes (tenant_id uuid not null, id uuid, primary key (tenant_id, id));
```

## Use instead
```sql
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy tenant_members on app.notes for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.table_without_rls import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        column = database.tenant_column(table)
        if column is None or table.row_security or table.kind == "foreign table":
            continue
        if table.is_partition and all(grant.grantee == table.owner for grant in table.acl):
            continue
        guessed = "" if database.tenants.declared else f"{column} is taken for the tenant column by its name. "
        yield Defect(
            table.key,
            f"tenant table {table.key} has no row level security",
            detail=f"{guessed}Every role that may read the table reads the rows of every tenant.",
            hint=f"alter table {table.key} enable row level security; alter table {table.key} force row level security;"
            " and a policy, or declare it shared or internal under [tenancy].",
        )

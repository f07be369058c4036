"""Materialized view of tenants' rows granted to a role that requests run as.

## What it does
Reports a materialized view that holds a tenant column, or reads a table with one or with row level security, and that
a role may read which is neither its owner nor, by its name, one that maintains the database.

## Why is this bad?
Row level security does not exist for materialized views: whoever may read it reads every tenant.

## Example
```sql
grant select on app.daily_totals to app_user;  -- a materialized view
```

## Use instead
```sql
create view app.my_daily_totals with (security_barrier) as
    select * from app.daily_totals where tenant_id = (select app.current_tenant());
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.catalog import View
from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.matview_of_tenant_data_granted import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for view in database.snapshot.views.values():
        if view.kind != "materialized view" or not _holds_tenant_data(view, database):
            continue
        readers = [grant.grantee for grant in view.acl if grant.privilege == "SELECT" and grant.grantee != view.owner]
        roles = [role for role in readers if not database.tenants.is_trusted(role)]
        if roles:
            yield Defect(
                view.key,
                f"materialized view {view.key} shows the rows of all tenants to {', '.join(roles)}",
                hint="Grant a view or function over it that filters by the caller's tenant.",
            )


def _holds_tenant_data(view: View, database: Live) -> bool:
    if any(column in view.columns for column in database.tenants.columns):
        return True
    tables = (database.snapshot.tables.get(key) for key in view.reads)
    return any(table.row_security or database.tenant_column(table) for table in tables if table is not None)

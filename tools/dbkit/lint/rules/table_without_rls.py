"""Tenant table without row level security.

## What it does
Reports a table with a tenant column on which row level security is not enabled: in a migration when the file that
creates the table is through (table and guard belong in one migration), in the declared tree when all of it has been
read. Which column is the tenant's comes from `[tenancy]`; without a declaration it is `tenant_id`, `organization_id`,
`company_id` or `owner_user_id`. Shared and internal tables, partitions and temporary tables are left alone. In the
house profile every table has row security. A tenant column that is added to an older table as not null is a note where
row security is not there when the line ends.

## Why is this bad?
Every role that may read the table reads every tenant's rows. Between two migrations the table stands open.

## Example
```sql
create table app.notes (
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
```

## Use instead
```sql
create table app.notes (
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy tenant_members on app.notes for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L016", severity=Severity.ERROR)


@rule.settled_with("tables")
def check(context: Context) -> Iterator[Hit]:
    for table in context.made_here():
        if table.kind not in ("table", "partitioned") or table.rls_enabled:
            continue
        column = context.tenants.column(table)
        guessed = "" if context.tenants.declared else f"{column} is taken for the tenant column by its name. "
        yield Hit(
            f"tenant table {table} has no row level security" if column else f"{table} has no row level security",
            at=table.origin,
            object=str(table),
            detail=f"{guessed}Every role that may read the table reads the rows of every tenant." if column else None,
            hint=f"alter table {table} enable row level security; alter table {table} force row level security; "
            "and a policy, beside the table or declare it shared or internal under [tenancy].",
            convention=column is None,
        )


@rule.concluded_with("columns")
def check_added(context: Context) -> Iterator[Hit]:
    for table, column in context.effects.columns:
        alive = context.state.is_alive(table) and table.columns.get(column.name) is column and not table.temporary
        # One that may be null is on its way: the expand step of a table that becomes a tenant's.
        if not (alive and table.known and column.not_null) or table.rls_enabled or table.origin.file is context.file:
            continue
        if table.kind in ("table", "partitioned") and context.tenants.column(table) == column.name:
            yield Hit(
                f"{table} becomes a tenant table and has no row level security",
                at=column.origin,
                object=str(table),
                detail="Every role that may read the table reads the rows of every tenant.",
                hint=f"alter table {table} enable row level security, force row level security; and a policy.",
                severity=Severity.NOTE,  # the steps are often apart, and the last one may not be written yet
            )

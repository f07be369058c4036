"""Materialized view with tenants' rows is granted.

## What it does
Reports a GRANT of SELECT (or ALL) to an application role on a materialized view that has a tenant column or reads a
tenant table, also by ON ALL TABLES IN SCHEMA. Owners, admins and jobs, told by their names, are left alone.

## Why is this bad?
A materialized view has no row level security: whoever may select from it sees the rows of all tenants.

## Example
```sql
create materialized view app.totals as
    select tenant_id, count(*) as orders from app.orders group by tenant_id;
create unique index totals_key on app.totals (tenant_id);
grant select on app.totals to app_user;
```

## Use instead
```sql
create materialized view app.totals as
    select tenant_id, count(*) as orders from app.orders group by tenant_id;
create unique index totals_key on app.totals (tenant_id);
create view app.my_totals with (security_barrier) as
    select orders from app.totals where tenant_id = (select app.current_tenant());
grant select on app.my_totals to app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.grants import GRANTS, grant_of, granted_tables, grantees, privileges
from dbkit.lint.model import Table
from dbkit.lint.rule import DO, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L048", severity=Severity.ERROR, lock="none; shows all tenants", bodies=frozenset({DO}))


@rule.on(*GRANTS)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    grant = grant_of(statement)
    if grant is None or (privileges(grant) and "select" not in privileges(grant)):
        return
    roles = [role for role in grantees(grant) if not context.tenants.is_trusted(role)]
    for view in granted_tables(grant, context) if roles else ():
        if view.kind == "matview" and _holds_tenant_data(view, context):
            yield Hit(
                f"materialized view {view} shows the rows of all tenants to {', '.join(roles)}",
                at=statement.start,
                object=str(view),
                hint="Grant a view or function over it that filters by the caller's tenant.",
            )


def _holds_tenant_data(view: Table, context: Context) -> bool:
    if any(column in view.columns for column in context.tenants.columns):
        return True
    sources = (context.state.tables.get(key) for key in view.reads)
    return any(table.rls_enabled or context.tenants.column(table) for table in sources if table is not None)

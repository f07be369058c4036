"""Policy that lets every row of a tenant table pass.

## What it does
Reports a permissive policy on a tenant table whose USING is true for every row (`true`, `1 = 1`, `x is not null` of the
tenant column, or one of those behind an OR), unless a restrictive policy about the caller holds wherever it does.
Policies for owners and definers, told by their names, are left alone; those for admins and jobs are noted, and so are
a USING that asks nothing about the caller (`deleted_at is null`) and a restrictive policy that narrows nothing. Roles
under `[tenancy] app_roles` are application roles whatever their names.

## Why is this bad?
Permissive policies are ORed: one that is always true opens the table to every tenant, whatever the others say.

## Example
```sql
create policy everybody on app.accounts for select to app_user using (true);
```

## Use instead
```sql
create policy members on app.accounts for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.policies import is_always_true, is_fenced, policies_here, same_for_every_caller
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="C104", severity=Severity.ERROR, lock="none; cross-tenant read")


@rule.settled_with("secured")
def check(context: Context) -> Iterator[Hit]:
    for table, policy in policies_here(context):
        tenant = context.tenants.column(table) if table.known else None
        if tenant is None or not policy.using or all(context.tenants.is_owner(role) for role in policy.roles):
            continue
        open_to_all = is_always_true(policy.using, tenant)
        trusted = all(context.tenants.is_trusted(role) for role in policy.roles)
        if policy.permissive and is_fenced(policy, table):
            continue
        if policy.permissive and open_to_all:
            message = f"policy {policy.name} opens every row of {table} to {', '.join(policy.roles)}"
        elif policy.permissive and same_for_every_caller(policy.using) and not trusted:
            message = f"policy {policy.name} on {table} asks nothing about the caller, so it shows rows of every tenant"
        elif open_to_all and (not policy.check or is_always_true(policy.check, tenant)):
            message = f"restrictive policy {policy.name} on {table} narrows nothing"
        else:
            continue
        yield Hit(
            message,
            at=policy.origin,
            object=str(table),
            hint=f"Compare {tenant} with the caller's tenant: using ({tenant} = (select …))",
            severity=None if policy.permissive and open_to_all and not trusted else Severity.NOTE,
        )

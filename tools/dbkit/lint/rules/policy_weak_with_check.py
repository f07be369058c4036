"""Policy whose WITH CHECK does not hold the tenant fast.

## What it does
Reports a policy on a tenant table whose WITH CHECK is always true while its USING is not, or that filters by the tenant
column in USING and asks only about other columns in WITH CHECK; also an INSERT policy WITH CHECK (true). Policies for
owners, admins and jobs, told by their names, are left alone.

## Why is this bad?
WITH CHECK judges the row as it is written. A tenant who may update a row can set its tenant column to another tenant's
id, and one who may insert can write rows into any tenant.

## Example
```sql
create policy members_update on app.accounts for update to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (true);
```

## Use instead
```sql
create policy members_update on app.accounts for update to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Policy
from dbkit.lint.policies import column_of, is_always_true, is_fenced, policies_here, same_for_every_caller
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import walk_outside
from dbkit.parse import Node
from dbkit.report import Severity

rule = Rule(code="C105", severity=Severity.ERROR, lock="none; rows can be written into another tenant")


@rule.settled_with("secured")
def check(context: Context) -> Iterator[Hit]:
    for table, policy in policies_here(context):
        tenant = context.tenants.column(table) if table.known else None
        if tenant is None or not policy.check or all(context.tenants.is_trusted(role) for role in policy.roles):
            continue
        # Where reading is open, too, that is policy_always_true.
        if is_always_true(policy.using, tenant) or (policy.permissive and is_fenced(policy, table)):
            continue
        if is_always_true(policy.check, tenant) or _forgets_tenant(policy, tenant):
            yield Hit(
                f"policy {policy.name} lets rows of {table} be written into another tenant",
                at=policy.origin,
                object=str(table),
                hint=f"with check ({tenant} = (select …)), the condition that using has.",
            )


def _forgets_tenant(policy: Policy, tenant: str) -> bool:
    forgets = same_for_every_caller(policy.check) and not _names(policy.check, tenant)
    return policy.permissive and forgets and _names(policy.using, tenant)


def _names(expression: Node, column: str) -> bool:
    """Whether an expression asks more of a column than whether it is null."""
    asked = walk_outside([expression], "NullTest")
    return any(tag == "ColumnRef" and column_of({tag: node}) == column for tag, node in asked)

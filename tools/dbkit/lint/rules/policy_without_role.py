"""Policy without TO, or TO PUBLIC.

## What it does
Reports a policy that names no role, and a permissive one that names PUBLIC, also when ALTER POLICY makes it so. A
restrictive policy written `to public` narrows for everybody and is reported in the house profile only.

## Why is this bad?
Without TO a policy applies to PUBLIC: to every role there is and every role to come. The reporting login added next
year reads by a policy nobody wrote for it; and PostgreSQL evaluates the policy for roles it was not meant for.

## Example
```sql
create policy members_read on app.docs for select
    using (tenant_id = (select app.current_tenant()));
```

## Use instead
```sql
create policy members_read on app.docs for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.fix import to_roles
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import role_name
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L018", severity=Severity.ERROR, fix="the declared app roles")


@rule.on("CreatePolicyStmt", "AlterPolicyStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    roles = [role["RoleSpec"] for role in node.get("roles", ())]
    if not any(role_name(role) == "public" for role in roles):
        return
    # The parser fills in PUBLIC for a policy without TO, at no place of its own.
    written = any(role.get("location", -1) >= 0 for role in roles)
    table = context.state.name(node["table"])
    name = node["policy_name"]
    restrictive = statement.tag == "CreatePolicyStmt" and not node.get("permissive", False)
    yield Hit(
        f"policy {name} on {table} is for public" if written else f"policy {name} on {table} names no role",
        at=statement.start,
        object=table,
        hint=f"Name the roles it is for: to {', '.join(sorted(context.tenants.app_roles)) or 'app_user'}",
        fix=partial(to_roles, statement, context.tenants.app_roles),
        convention=written and restrictive,
    )

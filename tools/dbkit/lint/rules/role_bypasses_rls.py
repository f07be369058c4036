"""Role that bypasses row level security.

## What it does
Reports CREATE ROLE and ALTER ROLE (also inside DO blocks) that give BYPASSRLS or SUPERUSER to a role other than the
backup login. Backup logins are those under `[lint] backup_roles` (`dbkit_backup` by default) and roles with `backup`
as a word of their name. In the house profile also a policy or grant for Supabase's `service_role`, which bypasses.

## Why is this bad?
Every policy is off for the role, in every table there is and every table to come. A leaked password of an application
login with it is every tenant's data. Owners and definer functions pass by an explicit policy instead, which the
catalog shows.

## Example
```sql
alter role app_admin bypassrls;
```

## Use instead
```sql
alter role app_admin nobypassrls;
create policy system_all on app.docs for all to app_admin using (true) with check (true);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, EVERYWHERE, Hit, Rule
from dbkit.lint.trees import option, role_name
from dbkit.parse import Statement
from dbkit.report import Severity

_ATTRIBUTES = ("bypassrls", "superuser")
_SERVICE_ROLE = "service_role"

rule = Rule(
    code="L024",
    severity=Severity.ERROR,
    files=EVERYWHERE,
    bodies=frozenset({DO}),
    triggers=(*_ATTRIBUTES, _SERVICE_ROLE),
)


@rule.on("CreateRoleStmt", "AlterRoleStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    role = statement.node.get("role", "")
    name = role if isinstance(role, str) else role_name(role)
    for attribute in _ATTRIBUTES:
        element = option(statement.node.get("options", ()), attribute)
        given = element is not None and element.get("arg", {}).get("Boolean", {}).get("boolval", False)
        backup = attribute == "bypassrls" and (name in context.settings.backup_roles or "backup" in name.split("_"))
        if given and not backup:
            yield Hit(
                f"role {name} bypasses row level security ({attribute})",
                at=statement.start,
                object=name,
                hint="Let the role pass by a policy of its own. A backup login is named under [lint] backup_roles.",
            )


@rule.on("GrantStmt", "GrantRoleStmt", "CreatePolicyStmt")
def check_service_role(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if not node.get("is_grant", statement.tag == "CreatePolicyStmt"):
        return
    for role in (*node.get("grantees", ()), *node.get("grantee_roles", ()), *node.get("roles", ())):
        if role_name(role.get("RoleSpec", {})) == _SERVICE_ROLE:
            yield Hit(
                f"{_SERVICE_ROLE} bypasses row level security",
                at=statement.start,
                object=_SERVICE_ROLE,
                hint="Grant to a role that is subject to row security.",
                convention=True,
            )

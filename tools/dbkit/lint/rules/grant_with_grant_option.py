"""WITH GRANT OPTION.

## What it does
Reports a privilege granted WITH GRANT OPTION, default privileges included. Notes membership of a role WITH ADMIN
OPTION: roles that create others need it.

## Why is this bad?
The grantee decides from now on who may read the table. What it hands on does not stand in any migration, and revoking
the privilege needs CASCADE.

## Example
```sql
grant select on app.docs to app_user with grant option;
```

## Use instead
```sql
grant select on app.docs to app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.grants import GRANTS, grant_of, grantees, object_label
from dbkit.lint.rule import DO, EVERYWHERE, Hit, Rule
from dbkit.lint.trees import option, role_name
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C124",
    severity=Severity.WARNING,
    files=EVERYWHERE,
    bodies=frozenset({DO}),
    triggers=("option", "admin"),
)


@rule.on(*GRANTS)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    grant = grant_of(statement)
    if grant is not None and grant.get("grant_option"):
        name = object_label(grant, context)
        yield Hit(
            f"{', '.join(grantees(grant))} may hand {name} on to others",
            at=statement.start,
            object=name,
            hint="Grant it to each role that needs it, in a migration.",
        )


@rule.on("GrantRoleStmt")
def check_membership(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    admin = option(node.get("opt", ()), "admin")
    if node.get("is_grant") and admin is not None and admin["arg"]["Boolean"].get("boolval"):
        roles = ", ".join(item["AccessPriv"].get("priv_name", "") for item in node["granted_roles"])
        members = ", ".join(role_name(item["RoleSpec"]) for item in node["grantee_roles"])
        yield Hit(
            f"{members} may make others members of {roles}",
            at=statement.start,
            object=roles,
            hint="Leave the admin option out, unless this is the role that creates roles.",
            severity=Severity.NOTE,
        )

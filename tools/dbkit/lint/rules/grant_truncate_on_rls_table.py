"""TRUNCATE is granted on a table whose rows belong to tenants.

## What it does
Reports GRANT TRUNCATE on a table with row level security or a tenant column, also by ON ALL TABLES IN SCHEMA and, where
such tables exist, by ALTER DEFAULT PRIVILEGES, to a role that is not, by its name, the owner or acts for it.

## Why is this bad?
TRUNCATE asks no policy: it removes the rows of every tenant.

## Example
```sql
grant truncate on app.accounts to app_user;
```

## Use instead
```sql
grant delete on app.accounts to app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.grants import GRANTS, grant_of, granted_tables, grantees, privileges
from dbkit.lint.rule import DO, Hit, Rule
from dbkit.lint.trees import names, option
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C123",
    severity=Severity.ERROR,
    lock="none; TRUNCATE ignores policies",
    bodies=frozenset({DO}),
    triggers=("truncate",),
)


@rule.on(*GRANTS)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    grant = grant_of(statement)
    if grant is None or "truncate" not in privileges(grant):
        return
    roles = [role for role in grantees(grant) if not context.tenants.is_owner(role)]
    if grant.get("targtype") == "ACL_TARGET_DEFAULTS":
        yield from _for_tables_to_come(statement, roles, context)
        return
    for table in granted_tables(grant, context) if roles else ():
        if table.rls_enabled or context.tenants.column(table):
            yield Hit(
                f"{', '.join(roles)} may truncate {table}, which removes every tenant's rows",
                at=statement.start,
                object=str(table),
                hint="Grant delete, which the policies filter.",
            )
            return


def _for_tables_to_come(statement: Statement, roles: list[str], context: Context) -> Iterator[Hit]:
    schemas = option(statement.node.get("options", ()), "schemas")
    within = set(names(schemas["arg"]["List"]["items"])) if schemas else None
    tables = [table for table in context.state.tables.values() if within is None or table.key[0] in within]
    is_tables = statement.node["action"]["objtype"] == "OBJECT_TABLE"
    if roles and is_tables and any(table.rls_enabled or context.tenants.column(table) for table in tables):
        yield Hit(
            f"{', '.join(roles)} may truncate every table to come, which removes every tenant's rows",
            at=statement.start,
            hint="Grant delete, which the policies filter.",
        )

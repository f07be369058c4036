"""Policy that casts the tenant column.

## What it does
Reports a policy that casts the tenant column to another type than its own, outside of subqueries.

## Why is this bad?
An index on the column cannot serve a comparison with its cast: every query of every tenant reads the whole table.
Cast the setting instead, which happens once.

## Example
```sql
create policy members on app.accounts for select to app_user
    using (tenant_id::text = (select current_setting('app.tenant_id', true)));
```

## Use instead
```sql
create policy members on app.accounts for select to app_user
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.expressions import expressions
from dbkit.lint.policies import column_of, tenant_column
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import type_name
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L020", severity=Severity.WARNING, lock="none; reads the whole table")


@rule.on("CreatePolicyStmt", "AlterPolicyStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    casts = [cast for expression in expressions(statement) for tag, cast in expression.outside if tag == "TypeCast"]
    tenant = tenant_column(statement, context) if casts else None
    if tenant is None:
        return
    table = context.state.find(node["table"])
    own_type = table.columns[tenant].type if table and tenant in table.columns else None
    name = context.state.name(node["table"])
    for cast in casts:
        if column_of(cast.get("arg", {})) == tenant and type_name(cast["typeName"]) != own_type:
            yield Hit(
                f"policy {node['policy_name']} on {name} casts {tenant}, so no index can serve it",
                at=statement.offset(cast["arg"]["ColumnRef"]),
                object=name,
                hint="Cast the other side.",
            )

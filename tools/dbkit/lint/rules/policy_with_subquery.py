"""Policy with EXISTS or IN over another table.

## What it does
Notes EXISTS (select … from …) and IN (select … from …) in a policy.

## Why is this bad?
PostgreSQL plans the policy as a filter over every row of the table, so each query reads the rows of all tenants:
measured, two thousand times the cost of a comparison with the caller's tenant. The subquery also runs under the other
table's own policies, which is how policies come to recurse.

## Example
```sql
create policy members on app.orders for select to app_user
    using (account_id in (select a.id from app.accounts a));
```

## Use instead
```sql
create policy members on app.orders for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.expressions import expressions
from dbkit.lint.policies import reads_rows
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L020", severity=Severity.NOTE, lock="none; reads the whole table", triggers=("select",))

_WORDS = {"EXISTS_SUBLINK": "exists", "ANY_SUBLINK": "in"}


@rule.on("CreatePolicyStmt", "AlterPolicyStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for expression in expressions(statement):
        for tag, node in expression.nodes:
            if tag == "SubLink" and node["subLinkType"] in _WORDS and reads_rows(node):
                table = context.state.name(statement.node["table"])
                yield Hit(
                    f"policy {statement.node['policy_name']} on {table} runs a subquery "
                    f"({_WORDS[node['subLinkType']]}) against every row",
                    at=statement.offset(node),
                    object=table,
                    hint="Check the membership once, when the context is set, and compare with the tenant in it.",
                )

"""Function or setting called bare in a policy.

## What it does
Reports `current_setting()` and somebody's own functions called in a policy without a column in their arguments and
outside of a subquery. Functions known to be IMMUTABLE are left alone.

## Why is this bad?
A bare call is evaluated for every row the query looks at, and for a VOLATILE function no index can be used at all: one
primary key lookup reads the whole table. `(select f())` is evaluated once a query.

## Example
```sql
create policy members on app.accounts for select to app_user
    using (tenant_id = app.current_tenant());
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
from dbkit.lint.expressions import expressions, holds
from dbkit.lint.policies import is_own_function
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L020", severity=Severity.WARNING, lock="none; evaluated for each row")


@rule.on("CreatePolicyStmt", "AlterPolicyStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for expression in expressions(statement):
        for tag, call in expression.outside:
            if tag != "FuncCall" or holds(call.get("args"), ("ColumnRef",)):
                continue
            name = ".".join(names(call["funcname"]))
            volatility = _volatility(call, context)
            setting = name.removeprefix("pg_catalog.") == "current_setting"
            if volatility == "immutable" or not (setting or is_own_function(call, context)):
                continue
            table = context.state.name(statement.node["table"])
            yield Hit(
                f"policy {statement.node['policy_name']} on {table} calls {name}() for every row",
                at=statement.offset(call),
                object=table,
                detail="The function is volatile, so no index can serve the policy."
                if volatility == "volatile"
                else None,
                hint="Wrap it, so that it runs once a query: (select …)",
            )
            return


def _volatility(call: Node, context: Context) -> str | None:
    overloads = context.state.functions.get(context.state.object_key(names(call["funcname"])), {})
    found = {function.volatility for function in overloads.values()}
    return found.pop() if len(found) == 1 else None

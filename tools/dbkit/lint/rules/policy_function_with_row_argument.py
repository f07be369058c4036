"""Policy that asks a function about each row.

## What it does
Reports a policy that calls somebody's own function with the tenant column as an argument, and notes one with another
column of the row. Functions known to be IMMUTABLE are left alone.

## Why is this bad?
The function has to be called for every row of every tenant: no index can answer it. On a million rows that is the
difference between a millisecond and a query that is cancelled.

## Example
```sql
create policy members on app.accounts for select to app_user
    using (app.is_member(tenant_id));
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
from dbkit.lint.policies import column_of, is_own_function, reads_rows, tenant_column
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names, walk, walk_outside
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L020", severity=Severity.WARNING, lock="none; reads the whole table")


@rule.on("CreatePolicyStmt", "AlterPolicyStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    for expression in expressions(statement):
        if not any(tag == "FuncCall" and holds(call.get("args"), ("ColumnRef",)) for tag, call in expression.nodes):
            continue
        table, tenant = context.state.name(node["table"]), tenant_column(statement, context)
        for call in _calls(expression.tree):
            columns = {column_of({tag: inner}) for tag, inner in walk(call.get("args", ())) if tag == "ColumnRef"}
            if not columns or not is_own_function(call, context) or _is_immutable(call, context):
                continue
            name = ".".join(names(call["funcname"]))
            yield Hit(
                f"policy {node['policy_name']} on {table} asks {name}() about each row",
                at=statement.offset(call),
                object=table,
                hint="Compare the column with what the function knows about the caller: column = (select …)",
                severity=None if tenant in columns else Severity.NOTE,
            )


def _calls(expression: Node) -> Iterator[Node]:
    """Calls outside of subqueries that read tables: `(select f(tenant_id))` is no better than `f(tenant_id)`."""
    for tag, node in walk_outside([expression]):
        if tag == "FuncCall":
            yield node
        elif tag == "SubLink" and not reads_rows(node):
            yield from _calls(node["subselect"])


def _is_immutable(call: Node, context: Context) -> bool:
    overloads = context.state.functions.get(context.state.object_key(names(call["funcname"])), {})
    return bool(overloads) and all(function.volatility == "immutable" for function in overloads.values())

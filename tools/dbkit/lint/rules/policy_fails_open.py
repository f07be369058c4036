"""Policy that opens the table when nothing is set.

## What it does
Reports a policy in which the absence of the caller's tenant counts as consent: `or f() is null`, `or setting = ''`,
`coalesce(f(), tenant_id)`, `coalesce(tenant_id = f(), true)`, `(tenant_id = f()) is not false`, `setting in ('', …)`,
the tenant column LIKE or ~ a setting (which every tenant is, where it is empty), and a CASE that answers true for it.

## Why is this bad?
A request that forgets to set the tenant, a job, a console session: each sees and changes the rows of all tenants. A
policy has to fail closed: no tenant, no rows.

## Example
```sql
create policy members on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()) or (select app.current_tenant()) is null);
```

## Use instead
```sql
create policy members on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.expressions import expressions, holds
from dbkit.lint.policies import column_of, is_always_true, same_for_every_caller
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import constant, names
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C110", severity=Severity.ERROR, lock="none; no tenant set means all rows")


@rule.on("CreatePolicyStmt", "AlterPolicyStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for expression in expressions(statement):
        for tag, node in expression.nodes:
            if tag in _OPENING and _is_open(tag, node, context):
                table = context.state.name(statement.node["table"])
                yield Hit(
                    f"policy {statement.node['policy_name']} opens {table} when no tenant is set",
                    at=statement.offset(node),
                    object=table,
                    hint="Let it fail closed: tenant_id = (select …) alone shows nothing without a tenant.",
                )
                return


_OPENING = frozenset({"A_Expr", "BoolExpr", "CoalesceExpr", "BooleanTest", "CaseExpr"})


def _is_open(tag: str, node: Node, context: Context) -> bool:
    if tag == "A_Expr":
        return _is_pattern(node, context) or _admits_empty(node)
    if tag == "BoolExpr":
        return node["boolop"] == "OR_EXPR" and any(_is_absence(part) for part in node["args"])
    if tag == "CoalesceExpr":
        *asked, last = node["args"]
        knows_the_caller = any(_asks_caller(item) for item in asked)
        return knows_the_caller and ("ColumnRef" in last or is_always_true(last))
    if tag == "BooleanTest":
        return node["booltesttype"] in ("IS_NOT_FALSE", "IS_UNKNOWN") and _asks_caller(node["arg"])
    if tag == "CaseExpr":
        branches = [item["CaseWhen"] for item in node.get("args", ())]
        return any(_is_absence(branch["expr"]) and is_always_true(branch["result"]) for branch in branches)
    return False


def _is_pattern(node: Node, context: Context) -> bool:
    """`tenant_id::text like setting || '%'`"""
    operator = names(node.get("name", ()))[-1:]
    if node["kind"] not in ("AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_SIMILAR") and operator not in (["~"], ["~*"], ["^@"]):
        return False
    column = node.get("lexpr", {})
    while "TypeCast" in column:
        column = column["TypeCast"].get("arg", {})
    return column_of(column) in context.tenants.columns and _asks_caller(node.get("rexpr", {}))


def _admits_empty(node: Node) -> bool:
    """`setting in ('', tenant_id::text)`"""
    if node["kind"] != "AEXPR_IN" or names(node["name"])[-1:] != ["="]:
        return False
    listed = node["rexpr"].get("List", {}).get("items", ())
    return (
        _asks_caller(node["lexpr"])
        and not _names_column(node["lexpr"])
        and any(constant(item) == "" for item in listed)
    )


def _is_absence(expression: Node) -> bool:
    """Whether an expression asks if the caller's tenant is missing: `f() is null`, `setting = ''`."""
    test = expression.get("NullTest", {})
    if test:
        return test["nulltesttype"] == "IS_NULL" and _asks_caller(test["arg"]) and not _names_column(test["arg"])
    comparison = expression.get("A_Expr", {})
    if comparison.get("kind") == "AEXPR_OP" and names(comparison["name"])[-1:] == ["="]:
        for one, other in (("lexpr", "rexpr"), ("rexpr", "lexpr")):
            if constant(comparison.get(one)) == "" and _asks_caller(comparison.get(other, {})):
                return not _names_column(comparison[other])
    return False


def _asks_caller(expression: Node) -> bool:
    return not same_for_every_caller({"Expression": expression})


def _names_column(expression: Node) -> bool:
    return holds(expression, ("ColumnRef",))

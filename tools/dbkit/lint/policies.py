"""What policies ask: questions about their expressions that several rules share."""

from __future__ import annotations

from dbkit.lint.engine import Context
from dbkit.lint.expressions import expressions, holds
from dbkit.lint.model import Policy, Table
from dbkit.lint.trees import as_text, constant, names, relations_in
from dbkit.parse import Node, Statement

__all__ = [
    "column_of",
    "is_always_true",
    "is_fenced",
    "is_own_function",
    "policies_here",
    "reads_rows",
    "same_for_every_caller",
    "tenant_column",
]

# What may answer another caller otherwise.
_ASKING = frozenset({"FuncCall", "SubLink", "SQLValueFunction", "ParamRef"})
_FALSE = frozenset({"false", "f", "no", "off", "0"})
# Built-in functions that are called without a schema and look like somebody's own.
_BUILT_IN = frozenset({"current_database", "current_schema", "current_schemas", "current_query", "get_byte", "get_bit"})
_OWN_PREFIXES = ("current_", "get_", "my_", "active_", "auth_", "is_", "has_", "can_", "app_", "user_", "tenant_")


def policies_here(context: Context) -> list[tuple[Table, Policy]]:
    """Policies the file made or changed that still exist."""
    return context.once(_policies_here)


def _policies_here(context: Context) -> list[tuple[Table, Policy]]:
    return [
        (table, policy)
        for table in context.secured_here()
        for policy in table.policies.values()
        if policy.origin.file is context.file
    ]


def tenant_column(statement: Statement, context: Context) -> str | None:
    """The tenant column of a policy's table; of a table never seen created, the one its expressions name."""
    table = context.state.find(statement.node["table"])
    if table is not None:
        return context.tenants.column(table)
    outside = [item for expression in expressions(statement) for item in expression.outside]
    named = {column_of({tag: node}) for tag, node in outside if tag == "ColumnRef"}
    return next((column for column in context.tenants.columns if column in named), None)


def column_of(expression: Node) -> str | None:
    """The column an expression consists of; None for any other expression."""
    parts = names(expression.get("ColumnRef", {}).get("fields", ()))
    return parts[-1] if parts else None


def is_always_true(expression: Node, tenant: str | None = None) -> bool:
    """Whether an expression lets every row pass: true, 1 = 1, x = x, `tenant is not null`, and what ORs with those."""
    while "TypeCast" in expression:
        expression = expression["TypeCast"].get("arg", {})
    if "A_Const" in expression:
        return constant(expression) in ("true", "t", "yes", "on", "1")
    link = expression.get("SubLink", {})
    if link.get("subLinkType") == "EXPR_SUBLINK":  # (select true)
        select = link["subselect"].get("SelectStmt", {})
        targets = select.get("targetList", ())
        alone = len(targets) == 1 and not {"fromClause", "whereClause", "limitCount"} & select.keys()
        return alone and is_always_true(targets[0]["ResTarget"].get("val", {}), tenant)
    parts = expression.get("BoolExpr", {})
    if parts.get("boolop") == "NOT_EXPR":
        return constant(parts["args"][0]) in _FALSE
    if parts:
        answers = [is_always_true(part, tenant) for part in parts["args"]]
        return (parts["boolop"] == "OR_EXPR" and any(answers)) or (parts["boolop"] == "AND_EXPR" and all(answers))
    test = expression.get("NullTest", {})
    if test:
        return test["nulltesttype"] == "IS_NOT_NULL" and tenant is not None and column_of(test["arg"]) == tenant
    comparison = expression.get("A_Expr", {})
    if comparison.get("kind") == "AEXPR_OP" and names(comparison.get("name", ()))[-1:] == ["="]:
        left, right = comparison.get("lexpr", {}), comparison.get("rexpr", {})
        plain = all("A_Const" in side or "ColumnRef" in side for side in (left, right))
        return plain and as_text(left) == as_text(right)
    return False


def same_for_every_caller(expression: Node) -> bool:
    """Whether an expression shows rows, and looks at them alone: no function, no subquery, no current_user."""
    if constant(expression) in _FALSE:  # no row for anybody
        return False
    return not holds(expression, _ASKING)


def is_fenced(policy: Policy, table: Table) -> bool:
    """Whether a restrictive policy about the caller holds wherever a policy does."""
    return any(
        not other.permissive
        and other is not policy
        and other.command in ("all", policy.command)
        and ("public" in other.roles or set(policy.roles) <= set(other.roles))
        and any(part and not same_for_every_caller(part) for part in (other.using, other.check))
        for other in table.policies.values()
    )


def reads_rows(sub_link: Node) -> bool:
    """Whether a SubLink reads a table: `(select f())` does not."""
    return bool(relations_in(sub_link.get("subselect", {})))


def is_own_function(call: Node, context: Context) -> bool:
    """Whether a FuncCall is of somebody's own function rather than one of PostgreSQL's."""
    parts = names(call.get("funcname", ()))
    if len(parts) > 1:
        return parts[-2] not in ("pg_catalog", "information_schema")
    if parts[-1] in _BUILT_IN or parts[-1] == "current_setting":
        return False
    known = any(key[1] == parts[-1] for key in context.state.functions)
    return known or parts[-1].startswith(_OWN_PREFIXES)

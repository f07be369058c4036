"""CHECK constraints that list the values of a column."""

from __future__ import annotations

from dbkit.lint.model import Constraint
from dbkit.lint.policies import column_of
from dbkit.lint.trees import constant, names
from dbkit.parse import Node

__all__ = ["value_list"]


def value_list(constraint: Constraint) -> tuple[str, frozenset[str]] | None:
    """(column, values) of `column in ('a', 'b')` and `column = any (array['a', 'b'])`; None for any other check."""
    expression = constraint.expression.get("A_Expr", {})
    if constraint.kind != "check" or names(expression.get("name", ()))[-1:] != ["="]:
        return None
    left, right = (_without_casts(expression.get(side, {})) for side in ("lexpr", "rexpr"))
    items: list[Node] = []
    if expression["kind"] == "AEXPR_IN":
        items = right.get("List", {}).get("items", [])
    elif expression["kind"] == "AEXPR_OP_ANY":
        items = right.get("A_ArrayExpr", {}).get("elements", [])
    column, values = column_of(left), [constant(item) for item in items]
    if column is None or not values or None in values:
        return None
    return column, frozenset(map(str, values))


def _without_casts(expression: Node) -> Node:
    while "TypeCast" in expression:
        expression = expression["TypeCast"].get("arg", {})
    return expression

"""Compare two policy expressions by meaning: does one admit every row that the other admits?

Expressions become AND and OR of atoms. Spelling that changes nothing is taken away first: parentheses, the scalar
sub-select around a call, the order of operands, casts of literals, `in (…)` and `= any (…)` as OR, NOT pushed inwards.
What is then implied by structure is implied for every row, whatever the atoms mean. Only "true" counts, as it does for
policies, so the three-valued logic of NULL changes nothing. What structure cannot decide is not decided.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Any

from dbkit.lint.trees import constant, walk
from dbkit.parse import Node, SyntaxFault, parse_tree

__all__ = ["Expression", "Relation", "compare", "implies", "mentions", "read_expression", "ways"]


class Relation(StrEnum):
    """What became of an expression, seen from the rows it admits."""

    SAME = "same"
    TIGHTENED = "tightened"
    LOOSENED = "loosened"
    CHANGED = "changed"  # neither follows from the other by structure


@dataclass(frozen=True)
class Expression:
    """A normalized expression.

    Attributes:
        kind: "and", "or" or "atom".
        parts: of and/or.
        atom: canonical text of an atom; "true" and "false" are the constants.
    """

    kind: str
    parts: frozenset[Expression] = frozenset()
    atom: str = ""


TRUE = Expression("atom", atom="true")
FALSE = Expression("atom", atom="false")

_NEGATED = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {">": "<", ">=": "<="}
_COMMUTES = {"=", "<>"}
# Beyond this many ways in, an expression is only compared as a whole.
_MOST_WAYS = 512


def read_expression(text: str | None) -> Expression:
    """An expression as pg_get_expr writes it; None admits nothing (a command without a policy).

    What the parser does not take becomes one atom, so that it is at least equal to itself.
    """
    if text is None:
        return FALSE
    try:
        (statement,) = parse_tree(f"select {text}")
        (target,) = statement["stmt"]["SelectStmt"]["targetList"]
        return _read(target["ResTarget"]["val"])
    except (SyntaxFault, ValueError, KeyError):
        return Expression("atom", atom=" ".join(text.split()))


def compare(old: Expression, new: Expression) -> Relation:
    """What the new expression admits, beside the old one."""
    narrower, wider = implies(new, old), implies(old, new)
    if narrower and wider:
        return Relation.SAME
    if narrower:
        return Relation.TIGHTENED
    return Relation.LOOSENED if wider else Relation.CHANGED


def implies(a: Expression, b: Expression) -> bool:
    """Whether every row that `a` admits is, by structure, one that `b` admits."""
    if a == b:
        return True
    if _count(a) > _MOST_WAYS:
        return False  # not decided
    return all(FALSE.atom in way or _admitted(way, b) for way in ways(a))


def ways(expression: Expression) -> list[frozenset[str]]:
    """The ways in: for each the atoms that must hold together (the disjunctive normal form)."""
    if expression.kind == "atom":
        return [frozenset() if expression == TRUE else frozenset({expression.atom})]
    if expression.kind == "or":
        return [way for part in expression.parts for way in ways(part)]
    found: list[frozenset[str]] = [frozenset()]
    for part in expression.parts:
        found = [way | other for way in found for other in ways(part)]
    return found


def _admitted(way: frozenset[str], expression: Expression) -> bool:
    if expression.kind == "atom":
        return expression == TRUE or expression.atom in way
    admitted = (_admitted(way, part) for part in expression.parts)
    return all(admitted) if expression.kind == "and" else any(admitted)


def _count(expression: Expression) -> int:
    """How many ways in there are, without listing them."""
    if expression.kind == "atom":
        return 1
    counts = [_count(part) for part in expression.parts]
    return sum(counts) if expression.kind == "or" else prod(counts)


def mentions(atom: str, column: str) -> bool:
    """Whether an atom speaks of a column, by its last name."""
    return f'"sval": {json.dumps(column)}' in atom


# Reading


def _read(node: Node, negated: bool = False) -> Expression:
    ((tag, inner),) = node.items()
    if tag == "BoolExpr":
        return _read_bool(inner, negated)
    if tag == "SubLink" and (bare := _scalar(inner)) is not None:
        return _read(bare, negated)
    if tag == "TypeCast" and constant(node) in ("true", "false"):
        return _truth(constant(node) == "true", negated)
    if tag == "A_Const" and "boolval" in inner:
        return _truth(bool(inner["boolval"].get("boolval")), negated)
    if tag == "A_Expr" and not negated and (listed := _members(inner)) is not None:
        return _combined("or", listed)
    return Expression("atom", atom=_atom(node, negated))


def _read_bool(node: Node, negated: bool) -> Expression:
    operator = node["boolop"]
    if operator == "NOT_EXPR":
        return _read(node["args"][0], not negated)
    kind = "and" if (operator == "AND_EXPR") != negated else "or"
    return _combined(kind, [_read(part, negated) for part in node["args"]])


def _combined(kind: str, parts: list[Expression]) -> Expression:
    """AND or OR of parts: flattened, without the constants that change nothing."""
    neutral, absorbing = (TRUE, FALSE) if kind == "and" else (FALSE, TRUE)
    flat: set[Expression] = set()
    for part in parts:
        flat |= part.parts if part.kind == kind else {part}
    if absorbing in flat:
        return absorbing
    flat.discard(neutral)
    if not flat:
        return neutral
    return next(iter(flat)) if len(flat) == 1 else Expression(kind, frozenset(flat))


def _truth(value: bool, negated: bool) -> Expression:
    return TRUE if value != negated else FALSE


def _atom(node: Node, negated: bool) -> str:
    plain = _plain(node)
    if negated:
        operator = plain.get("op") if isinstance(plain, dict) else None
        if operator in _NEGATED:
            plain = _ordered({**plain, "op": _NEGATED[operator]})
        else:
            plain = {"not": plain}
    return json.dumps(plain, sort_keys=True)


def _members(node: Node) -> list[Expression] | None:
    """`x in (a, b)` and `x = any (array[a, b])` as x = a, x = b; None for anything else."""
    name = node.get("name", [{}])[-1].get("String", {}).get("sval")
    right = node.get("rexpr", {})
    if name != "=" or node.get("kind") not in ("AEXPR_IN", "AEXPR_OP_ANY"):
        return None
    while "TypeCast" in right:
        right = right["TypeCast"]["arg"]
    items = right.get("List", {}).get("items") or right.get("A_ArrayExpr", {}).get("elements")
    if not items:
        return None
    equals = {"kind": "AEXPR_OP", "name": [{"String": {"sval": "="}}], "lexpr": node["lexpr"]}
    return [Expression("atom", atom=_atom({"A_Expr": {**equals, "rexpr": item}}, False)) for item in items]


def _plain(value: Any) -> Any:
    """A tree without what does not change its meaning."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "SubLink" in value and (bare := _scalar(value["SubLink"])) is not None:
        return _plain(bare)
    if "TypeCast" in value and (text := constant(value)) is not None:
        return {"constant": text}
    if "A_Const" in value and (text := constant(value)) is not None:
        return {"constant": text}
    if "A_Expr" in value and value["A_Expr"].get("kind") == "AEXPR_OP" and "lexpr" in value["A_Expr"]:
        inner = value["A_Expr"]
        operator = inner["name"][-1]["String"]["sval"]
        return _ordered({"op": operator, "left": _plain(inner["lexpr"]), "right": _plain(inner.get("rexpr"))})
    return {key: _plain(item) for key, item in value.items() if key != "location"}


def _ordered(comparison: dict[str, Any]) -> dict[str, Any]:
    """`a = b` and `b = a` alike; `a > b` as `b < a`."""
    left, right, operator = comparison["left"], comparison["right"], comparison["op"]
    swap = operator in _COMMUTES and json.dumps(left, sort_keys=True) > json.dumps(right, sort_keys=True)
    if operator in _MIRRORED or swap:
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    return {"op": operator, "left": left, "right": right}


def _scalar(link: Node) -> Node | None:
    """What `(select f())` computes, where it reads no table."""
    select: Node = link.get("subselect", {}).get("SelectStmt", {})
    columns: list[Node] = select.get("targetList", [])
    reads = {"fromClause", "whereClause", "groupClause", "havingClause", "valuesLists", "withClause", "limitCount"}
    if link.get("subLinkType") != "EXPR_SUBLINK" or len(columns) != 1 or reads & select.keys():
        return None
    value: Node | None = columns[0].get("ResTarget", {}).get("val")
    aggregates = any(tag == "FuncCall" and node.get("agg_star") for tag, node in walk(value))
    return None if aggregates else value

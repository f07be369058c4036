"""The expressions of policies, taken apart once a statement: the replay and a dozen rules ask the same of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from dbkit.lint.trees import walk, walk_outside
from dbkit.parse import Node, Statement

__all__ = ["Expression", "expressions", "holds"]

_CLAUSES = {"qual": "using", "with_check": "with check"}


class Expression(NamedTuple):
    """What a policy asks.

    Attributes:
        clause: using or with check.
        tree: the expression.
        nodes: every tagged node of it, as `trees.walk` gives them.
        outside: those that stand in no subquery of it.
    """

    clause: str
    tree: Node
    nodes: list[tuple[str, Node]]
    outside: list[tuple[str, Node]]


def expressions(statement: Statement) -> list[Expression]:
    """Those of a CreatePolicyStmt or AlterPolicyStmt, USING first."""
    known: list[Expression] | None = statement.memo.get("expressions")
    if known is None:
        known = statement.memo["expressions"] = [
            Expression(clause, tree, walk(tree), walk_outside(tree))
            for key, clause in _CLAUSES.items()
            if (tree := statement.node.get(key)) is not None
        ]
    return known


def holds(tree: Any, tags: Collection[str]) -> bool:
    """Whether a node of one of these kinds stands below (and not at) `tree`: looks no further than the first."""
    stack = [tree]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            for key, value in item.items():
                if type(value) is dict:
                    if key in tags:
                        return True
                    stack.append(value)
                elif type(value) is list:
                    stack.extend(value)
        elif type(item) is list:
            stack.extend(item)
    return False

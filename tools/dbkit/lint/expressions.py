"""The expressions of policies, taken apart once a statement: the replay and a dozen rules ask the same of them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

from dbkit.lint.trees import walk, walk_outside
from dbkit.parse import Node, Statement

__all__ = ["Expression", "expressions", "holds"]

_CLAUSES = ("qual", "with_check")


class Expression:
    """What a policy asks.

    Attributes:
        tree: the expression.
        nodes: every tagged node of it, as `trees.walk` gives them.
    """

    def __init__(self, tree: Node) -> None:
        self.tree = tree
        self.nodes = walk(tree)

    @cached_property
    def outside(self) -> list[tuple[str, Node]]:
        """Those of the nodes that stand in no subquery of it."""
        return walk_outside(self.tree)


def expressions(statement: Statement) -> list[Expression]:
    """Those of a CreatePolicyStmt or AlterPolicyStmt, USING first."""
    known: list[Expression] | None = statement.memo.get("expressions")
    if known is None:
        trees = [statement.node[clause] for clause in _CLAUSES if clause in statement.node]
        known = statement.memo["expressions"] = [Expression(tree) for tree in trees]
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

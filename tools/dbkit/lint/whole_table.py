"""UPDATE and DELETE that reach every row: what the two rules about them share."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.policies import is_always_true
from dbkit.parse import Node, Statement

__all__ = ["WRITING", "whole_tables"]

# Kinds of statements that are, or in a WITH clause hold, an UPDATE or DELETE.
WRITING = ("UpdateStmt", "DeleteStmt", "InsertStmt", "SelectStmt", "MergeStmt")


def whole_tables(statement: Statement, kind: str, context: Context) -> Iterator[tuple[Node, str]]:
    """(relation, its name) of each UpdateStmt or DeleteStmt, as `kind` says, that names no rows.

    A condition that is true of every row counts as none. Tables that the file created are left out.
    """
    for tag, node in _written(statement):
        if tag != kind or not is_always_true(node.get("whereClause", _TRUE)):
            continue
        relation = node["relation"]
        if context.state.is_new(relation, context.file):
            continue
        # In a body a bare name may be a temporary table or a CTE.
        if context.body is not None and "schemaname" not in relation and context.state.find(relation) is None:
            continue
        yield relation, context.state.name(relation)


_TRUE: Node = {"A_Const": {"boolval": {"boolval": True}}}


def _written(statement: Statement) -> Iterator[tuple[str, Node]]:
    """The statement itself and those of its WITH clause."""
    yield statement.tag, statement.node
    for item in statement.node.get("withClause", {}).get("ctes", ()):
        yield from item["CommonTableExpr"]["ctequery"].items()

"""Small questions about pglast's JSON trees that rules and the replay both ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dbkit.parse import Node

__all__ = [
    "calls",
    "column_type",
    "commands",
    "constant",
    "constraints_of",
    "has_default",
    "is_not_null",
    "names",
    "option",
    "relation",
    "role_name",
    "walk",
]

# Pseudo-types that PostgreSQL expands to an integer column with a default from a sequence.
SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})


def walk(tree: Any) -> Iterator[tuple[str, Node]]:
    """Every tagged node below (and not including) `tree`, as (tag, node), in no particular order."""
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            for key, value in item.items():
                if isinstance(value, dict):
                    if key[0].isupper():
                        yield key, value
                    stack.append(value)
                elif isinstance(value, list):
                    stack.append(value)
        elif isinstance(item, list):
            stack.extend(item)


def calls(tree: Any, function: str) -> Iterator[Node]:
    """Every call of a function by its unqualified name."""
    for tag, node in walk(tree):
        if tag == "FuncCall" and names(node.get("funcname", ()))[-1:] == [function]:
            yield node


def names(items: Iterable[Node]) -> list[str]:
    """The strings of a list of String nodes: ["app", "accounts"]."""
    return [item["String"].get("sval", "") for item in items if "String" in item]


def relation(node: Node) -> tuple[str | None, str]:
    """(schema or None, name) of a RangeVar."""
    return node.get("schemaname"), node["relname"]


def commands(node: Node) -> list[Node]:
    """The AlterTableCmd nodes of an AlterTableStmt."""
    return [item["AlterTableCmd"] for item in node.get("cmds", ())]


def constraints_of(column: Node) -> list[Node]:
    """The Constraint nodes written behind a column definition."""
    return [item["Constraint"] for item in column.get("constraints", ())]


def column_type(column: Node) -> str:
    """Type of a ColumnDef as `name` or `schema.name`, without pg_catalog; "" where it has none (`of type`)."""
    parts = names(column.get("typeName", {}).get("names", ()))
    return ".".join(part for part in parts if part != "pg_catalog")


def is_not_null(column: Node) -> bool:
    """Whether a ColumnDef forbids NULL, by itself or as the primary key; serial and identity columns do."""
    kinds = {constraint["contype"] for constraint in constraints_of(column)}
    return bool(kinds & {"CONSTR_NOTNULL", "CONSTR_PRIMARY", "CONSTR_IDENTITY"}) or column_type(column) in SERIALS


def has_default(column: Node) -> bool:
    """Whether rows that exist already get a value: DEFAULT other than NULL, generated, identity or serial."""
    if column_type(column) in SERIALS:
        return True
    for constraint in constraints_of(column):
        if constraint["contype"] in ("CONSTR_IDENTITY", "CONSTR_GENERATED"):
            return True
        if constraint["contype"] == "CONSTR_DEFAULT":
            return not _is_null(constraint.get("raw_expr", {}))
    return False


def constant(node: Node | None) -> str | None:
    """Text of a constant, through casts and unary wrapping; None for anything else and for NULL."""
    while node and "TypeCast" in node:
        node = node["TypeCast"].get("arg")
    literal = (node or {}).get("A_Const")
    if literal is None or literal.get("isnull"):
        return None
    if "sval" in literal:
        return str(literal["sval"].get("sval", ""))
    if "boolval" in literal:
        return "true" if literal["boolval"].get("boolval") else "false"
    if "ival" in literal:
        return str(literal["ival"].get("ival", 0))
    return str(literal.get("fval", {}).get("fval", ""))


def option(options: Iterable[Node], name: str) -> Node | None:
    """The DefElem of that name, or None."""
    for item in options:
        element: Node = item.get("DefElem", {})
        if element.get("defname") == name:
            return element
    return None


def role_name(role: Node) -> str:
    """Name of a RoleSpec; "public" for PUBLIC, "current_user" and the like for the keywords."""
    kind = role.get("roletype", "")
    return str(role.get("rolename") or kind.removeprefix("ROLESPEC_").lower())


def _is_null(expression: Node) -> bool:
    while "TypeCast" in expression:
        expression = expression["TypeCast"].get("arg", {})
    return bool(expression.get("A_Const", {}).get("isnull"))

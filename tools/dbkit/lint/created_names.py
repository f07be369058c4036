"""What a statement gives a name: tables, columns, functions, types and the rest, for the rules about names."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.trees import COLUMN_STATEMENTS, column_definitions, commands, names
from dbkit.parse import Node, Statement

__all__ = ["CREATING_STATEMENTS", "created_names"]


def created_names(statement: Statement) -> list[tuple[str, str, Node]]:
    """(kind, name, node with the place) of what a statement gives a name, but for policies and comments."""
    known: list[tuple[str, str, Node]] | None = statement.memo.get("names")
    if known is None:
        known = statement.memo["names"] = list(_created_names(statement))
    return known


def _created_names(statement: Statement) -> Iterator[tuple[str, str, Node]]:
    tag, node = statement.tag, statement.node
    if tag in ("CreateStmt", "CreateForeignTableStmt"):
        yield "table", node.get("base", node)["relation"]["relname"], node.get("base", node)["relation"]
    elif tag == "CreateTableAsStmt":
        yield "table", node["into"]["rel"]["relname"], node["into"]["rel"]
    elif tag == "ViewStmt":
        yield "view", node["view"]["relname"], node["view"]
        for alias in names(node.get("aliases", ())):
            yield "column", alias, node["view"]
        for target in node.get("query", {}).get("SelectStmt", {}).get("targetList", ()):
            if "name" in target["ResTarget"]:
                yield "column", target["ResTarget"]["name"], target["ResTarget"]
    elif tag == "CreateFunctionStmt":
        yield "function", names(node["funcname"])[-1], {}
    elif tag in ("CreateEnumStmt", "CreateRangeStmt"):
        yield "type", names(node["typeName"])[-1], {}
    elif tag == "CompositeTypeStmt":
        yield "type", node["typevar"]["relname"], node["typevar"]
    elif tag == "CreateDomainStmt":
        yield "domain", names(node["domainname"])[-1], {}
    elif tag == "CreateSeqStmt":
        yield "sequence", node["sequence"]["relname"], node["sequence"]
    elif tag in _NAMED_BY:
        kind, key = _NAMED_BY[tag]
        if node.get(key):
            yield kind, node[key], {}
    if tag in COLUMN_STATEMENTS:
        changed = {command.get("name") for command in commands(node)}
        for name, column in column_definitions(statement):
            if name not in changed:
                yield "column", name, column


# statement -> (what it names, the key of the name)
_NAMED_BY = {
    "IndexStmt": ("index", "idxname"),
    "CreateSchemaStmt": ("schema", "schemaname"),
    "CreateTrigStmt": ("trigger", "trigname"),
    "RenameStmt": ("new name", "newname"),
}


# The statements `created_names` reads.
CREATING_STATEMENTS = (
    *COLUMN_STATEMENTS,
    *_NAMED_BY,
    "CreateTableAsStmt",
    "ViewStmt",
    "CreateFunctionStmt",
    "CreateEnumStmt",
    "CreateRangeStmt",
    "CompositeTypeStmt",
    "CreateDomainStmt",
    "CreateSeqStmt",
)

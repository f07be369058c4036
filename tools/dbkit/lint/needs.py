"""What must be there for a statement to pass: the tables it works on, and their columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dbkit.lint.column_names import unknown_columns
from dbkit.lint.state import State
from dbkit.lint.trees import (
    added_constraints,
    commands,
    constraints_of,
    dropped_names,
    names,
    range_var,
    relations_in,
)
from dbkit.parse import Node, Statement

__all__ = ["NAMING_COLUMNS", "NEEDING", "missing_columns", "needed_relations"]

# statement -> the key of the table it is about
_RELATIONS = {
    "AlterTableStmt": "relation",
    "IndexStmt": "relation",
    "CreatePolicyStmt": "table",
    "AlterPolicyStmt": "table",
    "CreateTrigStmt": "relation",
    "ClusterStmt": "relation",
    "RefreshMatViewStmt": "relation",
    "CopyStmt": "relation",
    "RenameStmt": "relation",
}
_QUERIES = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ViewStmt", "CreateTableAsStmt")
_OTHERS = ("DropStmt", "GrantStmt", "CreateStmt", "TruncateStmt", "LockStmt", "CommentStmt")
_DROPPED = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW")
_CHANGES = ("AT_ColumnDefault", "AT_SetNotNull", "AT_DropNotNull", "AT_AlterColumnType", "AT_DropColumn")
# The statements `missing_columns` reads.
NAMING_COLUMNS = frozenset({*_QUERIES, "CreateStmt", "AlterTableStmt", "IndexStmt", "RenameStmt", "CommentStmt"})
# The statements that need tables.
NEEDING = (*_RELATIONS, *_QUERIES, *_OTHERS)


def needed_relations(statement: Statement) -> list[Node]:
    """The tables and views that must be there for the statement to pass."""
    node = statement.node
    if statement.tag in _RELATIONS:
        if statement.tag == "RenameStmt" and node["renameType"] not in ("OBJECT_TABLE", "OBJECT_COLUMN"):
            return []
        found = [node[_RELATIONS[statement.tag]]] if _RELATIONS[statement.tag] in node else []
        if statement.tag == "AlterTableStmt":
            found += [item["pktable"] for item in added_constraints(node) if "pktable" in item]
        return found
    if statement.tag == "DropStmt":
        return [range_var(parts) for parts in dropped_names(node)] if node["removeType"] in _DROPPED else []
    if statement.tag == "GrantStmt":
        tables = node.get("objtype") == "OBJECT_TABLE" and node.get("targtype") == "ACL_TARGET_OBJECT"
        return [item["RangeVar"] for item in node.get("objects", ())] if tables else []
    if statement.tag == "CommentStmt":
        parts = names(node.get("object", {}).get("List", {}).get("items", ()))
        depth = {"OBJECT_TABLE": 2, "OBJECT_VIEW": 2, "OBJECT_COLUMN": 3}.get(node["objtype"])
        return [range_var(parts[:2])] if depth == len(parts) else []
    if statement.tag == "CreateStmt":
        itself, read = node["relation"], list(_relations_of_table(node))
    else:
        itself = node.get("view") or node.get("into", {}).get("rel") or {}
        read = relations_in({statement.tag: node})
    name = (itself.get("schemaname"), itself.get("relname"))
    return [item for item in read if (item.get("schemaname"), item["relname"]) != name]


def _relations_of_table(node: Node) -> Iterator[Node]:
    """What a CreateStmt inherits from, is like, is a partition of, or refers to."""
    for parent in node.get("inhRelations", ()):
        yield parent["RangeVar"]
    for element in node.get("tableElts", ()):
        if "TableLikeClause" in element:
            yield element["TableLikeClause"]["relation"]
    for constraint in _constraints_of_table(node):
        if "pktable" in constraint:
            yield constraint["pktable"]


def _constraints_of_table(node: Node) -> Iterator[Node]:
    """The constraints a CreateStmt writes, of its columns and of itself."""
    for element in node.get("tableElts", ()):
        if "ColumnDef" in element:
            yield from constraints_of(element["ColumnDef"])
        elif "Constraint" in element:
            yield element["Constraint"]


def missing_columns(statement: Statement, state: State) -> Iterator[tuple[str, str, Node, Collection[str]]]:
    """(column, table, node with the place, columns there are) of what no table of the statement has."""
    node = statement.node
    if statement.tag in _QUERIES:
        for item in unknown_columns(statement, state, ()):
            yield item.column, item.where, item.node, item.known
        return
    if statement.tag in ("AlterTableStmt", "CreateStmt"):
        yield from _missing_in_keys(statement, state)
    if statement.tag == "CreateStmt":
        return
    place = node.get("relation", {})
    if statement.tag == "CommentStmt":
        place = next(iter(needed_relations(statement)), {}) if node["objtype"] == "OBJECT_COLUMN" else {}
    table = state.find(place) if "relname" in place else None
    if table is None or table.copied or table.kind == "matview":
        return
    wanted: list[tuple[str, Node]] = []
    if statement.tag == "AlterTableStmt":
        # A command may name a column that another one of the same statement adds.
        added = {item["def"]["ColumnDef"]["colname"] for item in commands(node) if item["subtype"] == "AT_AddColumn"}
        for command in commands(node):
            if command["subtype"] in _CHANGES and not command.get("missing_ok"):
                wanted.append((command["name"], node["relation"]))
        for constraint in added_constraints(node):
            wanted += [
                (name, constraint) for name in names((*constraint.get("keys", ()), *constraint.get("fk_attrs", ())))
            ]
        wanted = [(name, place) for name, place in wanted if name not in added]
    elif statement.tag == "IndexStmt":
        elements = [*node.get("indexParams", ()), *node.get("indexIncludingParams", ())]
        wanted = [(item["IndexElem"]["name"], node["relation"]) for item in elements if "name" in item["IndexElem"]]
    elif statement.tag == "CommentStmt":
        wanted = [(names(node["object"]["List"]["items"])[-1], place)]
    elif statement.tag == "RenameStmt" and node["renameType"] == "OBJECT_COLUMN":
        wanted = [(node["subname"], node["relation"])]
    for name, place in wanted:
        if name not in table.columns:
            yield name, str(table), place, table.columns


def _missing_in_keys(statement: Statement, state: State) -> Iterator[tuple[str, str, Node, Collection[str]]]:
    """Columns that a foreign key refers to and its target does not have."""
    node = statement.node
    written = added_constraints(node) if statement.tag == "AlterTableStmt" else _constraints_of_table(node)
    for constraint in written:
        wanted = names(constraint.get("pk_attrs", ()))
        target = state.find(constraint["pktable"]) if wanted and "pktable" in constraint else None
        if target is None or target.copied or target.key == state.key(node["relation"]):
            continue
        for name in wanted:
            if name not in target.columns:
                yield name, str(target), constraint, target.columns

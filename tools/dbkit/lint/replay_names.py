"""Replay what takes a name away or gives another one: DROP, RENAME and SET SCHEMA of tables and their parts."""

from __future__ import annotations

from dataclasses import replace

from dbkit.lint.files import LintFile
from dbkit.lint.model import Origin, Table
from dbkit.lint.replay_objects import Handler
from dbkit.lint.state import State
from dbkit.lint.trees import names, relation
from dbkit.parse import Statement

__all__ = ["NAME_HANDLERS"]


def _drop(state: State, statement: Statement, file: LintFile) -> None:
    what = statement.node["removeType"]
    for item in statement.node.get("objects", ()):
        parts = names(item["List"]["items"]) if "List" in item else names([item])
        if what in ("OBJECT_TABLE", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"):
            state.remove(state.resolve(parts[-2] if len(parts) > 1 else None, parts[-1]))
        elif what == "OBJECT_INDEX":
            table = state.index_table(parts)
            if table is not None:
                state.drop_index(table, parts[-1])
        elif what == "OBJECT_POLICY":
            key = state.resolve(parts[-3] if len(parts) > 2 else None, parts[-2])
            if key in state.tables:
                state.tables[key].policies.pop(parts[-1], None)
                origin = Origin(file, statement.start, statement.start)
                state.effects_of(file).secured.setdefault(state.tables[key], origin)
        elif what == "OBJECT_TRIGGER":
            key = state.resolve(parts[-3] if len(parts) > 2 else None, parts[-2])
            if key in state.tables:
                state.tables[key].triggers.pop(parts[-1], None)
        elif what == "OBJECT_SCHEMA":
            for key in [key for key in state.tables if key[0] == parts[-1]]:
                state.remove(key)


def _rename(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    what, new = node["renameType"], node.get("newname", "")
    if what == "OBJECT_SCHEMA":
        for table in [table for table in state.tables.values() if table.key[0] == node.get("subname")]:
            state.move(table, (new, table.key[1]))
        return
    if what == "OBJECT_INDEX" and "relation" in node:
        schema, old = relation(node["relation"])
        owner = state.index_table([schema, old] if schema else [old])
        if owner is not None and old in owner.indexes:
            index = owner.indexes[old]
            state.drop_index(owner, old)
            state.add_index(owner, replace(index, name=new))
        return
    table_node = node.get("relation")
    found = state.tables.get(state.key(table_node)) if table_node else None
    if found is None:
        return
    if what in ("OBJECT_TABLE", "OBJECT_MATVIEW"):
        state.move(found, (found.key[0], new))
    elif what == "OBJECT_COLUMN":
        _rename_column(state, found, node["subname"], new)
    elif what == "OBJECT_TABCONSTRAINT" and node["subname"] in found.constraints:
        constraint = found.constraints.pop(node["subname"])
        constraint.name = new
        found.constraints[new] = constraint
    elif what == "OBJECT_POLICY" and node["subname"] in found.policies:
        found.policies[new] = replace(found.policies.pop(node["subname"]), name=new)
    elif what == "OBJECT_TRIGGER" and node["subname"] in found.triggers:
        found.triggers[new] = found.triggers.pop(node["subname"])


def _rename_column(state: State, table: Table, old: str, new: str) -> None:
    if old in table.columns:
        table.columns[new] = table.columns.pop(old)
        table.columns[new].name = new
    for constraint in table.constraints.values():
        constraint.columns = tuple(new if column == old else column for column in constraint.columns)
    for index in table.indexes.values():
        index.columns = tuple(new if column == old else column for column in index.columns)
        index.keys = tuple(new if key == old else key for key in index.keys)


def _set_schema(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    if node.get("objectType") == "OBJECT_TABLE":
        table = state.tables.get(state.key(node["relation"]))
        if table is not None:
            state.move(table, (node["newschema"], table.key[1]))


NAME_HANDLERS: dict[str, Handler] = {
    "DropStmt": _drop,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
}

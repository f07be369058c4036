"""Constraints, policies, triggers, indexes and functions that must be there for a statement to pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from dbkit.lint.model import Key, Table, label
from dbkit.lint.state import State
from dbkit.lint.trees import added_constraints, commands, dropped_names, names, range_var, type_name
from dbkit.parse import Node, Statement

__all__ = ["COMMANDS", "NAMING_PARTS", "Part", "missing_parts"]

# Of ALTER TABLE, those that name a constraint or a trigger.
COMMANDS = {
    "AT_DropConstraint": "constraint",
    "AT_ValidateConstraint": "constraint",
    "AT_AlterConstraint": "constraint",
    "AT_EnableTrig": "trigger",
    "AT_EnableAlwaysTrig": "trigger",
    "AT_EnableReplicaTrig": "trigger",
    "AT_DisableTrig": "trigger",
}
# Further statements `missing_parts` reads.
NAMING_PARTS = (
    "AlterPolicyStmt",
    "AlterFunctionStmt",
    "CommentStmt",
    "DropStmt",
    "GrantStmt",
    "InsertStmt",
    "ReindexStmt",
    "RenameStmt",
)

_OF_TABLES = {"OBJECT_TABCONSTRAINT": "constraint", "OBJECT_POLICY": "policy", "OBJECT_TRIGGER": "trigger"}
_ROUTINES = ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE")
# How PostgreSQL ends the name of a constraint that has none of its own.
_GENERATED = {"_pkey": "primary", "_key": "unique", "_fkey": "foreign", "_check": "check", "_excl": "exclude"}
_LONGEST = 58  # beyond this a generated name may have been cut


class Part(NamedTuple):
    """Something that is not there.

    Attributes:
        kind: constraint, policy, trigger, index or function.
        name: its own name, without table and schema.
        schema: of it or its table.
        owner: the name of its table; of a function, and of an index, its own.
        label: it as people name it.
        known: whether others of its name are, so that the name alone says nothing.
    """

    kind: str
    name: str
    schema: str
    owner: str
    label: str
    known: bool = False


def missing_parts(statement: Statement, state: State) -> Iterator[Part]:
    """What a statement names and the replay has not seen made, of tables whose making it has seen."""
    node, tag = statement.node, statement.tag
    if tag == "AlterTableStmt":
        yield from _of_commands(node, state)
    elif tag == "AlterPolicyStmt":
        yield from _of_table("policy", node["policy_name"], node["table"], state)
    elif tag == "InsertStmt":
        constraint = node.get("onConflictClause", {}).get("infer", {}).get("conname")
        if constraint:
            yield from _of_table("constraint", constraint, node["relation"], state)
    elif tag == "RenameStmt" and not node.get("missing_ok"):
        if node["renameType"] in _OF_TABLES and "relation" in node:
            yield from _of_table(_OF_TABLES[node["renameType"]], node["subname"], node["relation"], state)
        elif node["renameType"] == "OBJECT_INDEX":
            yield from _index(node["relation"], state)
    elif tag == "ReindexStmt" and node["kind"] == "REINDEX_OBJECT_INDEX":
        yield from _index(node["relation"], state)
    elif tag == "DropStmt" and not node.get("missing_ok"):
        for item in node.get("objects", ()):
            yield from _named(node["removeType"], item, state)
    elif tag == "CommentStmt":
        yield from _named(node["objtype"], node.get("object", {}), state)
    elif tag == "AlterFunctionStmt":
        yield from _function(node["func"], state)
    elif tag == "GrantStmt" and node.get("objtype") in _ROUTINES:
        for item in node.get("objects", ()):
            yield from _named(node["objtype"], item, state)


def _of_commands(node: Node, state: State) -> Iterator[Part]:
    added = {item.get("conname") for item in added_constraints(node)}
    for command in commands(node):
        kind = COMMANDS.get(command["subtype"])
        if kind is None or command.get("missing_ok"):
            continue
        name = command.get("name") or command.get("def", {}).get("ATAlterConstraint", {}).get("conname")
        if name and name not in added:
            yield from _of_table(kind, name, node["relation"], state)


def _named(what: str, item: Node, state: State) -> Iterator[Part]:
    """An object of DROP, COMMENT or GRANT."""
    if what in _ROUTINES:
        if "ObjectWithArgs" in item:
            yield from _function(item["ObjectWithArgs"], state, signature=what == "OBJECT_FUNCTION")
    elif what in _OF_TABLES or what == "OBJECT_INDEX":
        for parts in dropped_names({"objects": [item]}):
            if what == "OBJECT_INDEX":
                yield from _index(range_var(parts), state)
            elif len(parts) > 1:
                yield from _of_table(_OF_TABLES[what], parts[-1], range_var(parts[:-1]), state)


def _of_table(kind: str, name: str, relation: Node, state: State) -> Iterator[Part]:
    table = state.find(relation)
    if table is None or table.derived or table.kind not in ("table", "partitioned"):
        return
    there: Collection[str] = table.constraints
    if kind != "constraint":
        there = table.policies if kind == "policy" else table.triggers
    if name not in there and not (kind == "constraint" and _may_be_generated(table, name)):
        schema, owner = table.key
        yield Part(kind, name, schema, owner, f"{kind} {name} of {table}")


def _may_be_generated(table: Table, name: str) -> bool:
    """Whether a constraint without a name may have this one, though the replay gave it another."""
    kind = next((kind for ending, kind in _GENERATED.items() if name.rstrip("0123456789").endswith(ending)), None)
    if name.endswith("_not_null"):
        return True
    if kind is None or len(name) > _LONGEST:
        return kind is not None
    # The name of a check lists the column it asks about; tables that were renamed keep the names they gave.
    return kind == "check" and any(item.kind == "check" for item in table.constraints.values())


def _index(relation: Node, state: State) -> Iterator[Part]:
    schema, name = relation.get("schemaname"), relation["relname"]
    if schema is None:
        return
    key: Key = (schema, name)
    if key in state.index_keys() or key in state.tables or key in state.views:
        return
    tables = [table for table in state.tables.values() if table.key[0] == schema]
    # Tables made after others bring indexes with names of their own, and an exclusion constraint is an index, too.
    if any(name in table.constraints or _may_name(table, name) for table in tables):
        return
    yield Part("index", name, schema, name, f"index {label(key)}", known=key in state.gone)


def _may_name(table: Table, name: str) -> bool:
    """Whether a table may have an index of this name that no statement spells."""
    if not name.startswith(table.key[1]):
        return False
    # Of an index without a name, the replay does not know how its expressions and included columns are called.
    unsure = any(None in index.columns or "IncludingParams" in index.rest for index in table.indexes.values())
    return table.derived or len(name) > _LONGEST or (unsure and name.rstrip("0123456789").endswith("_idx"))


def _function(node: Node, state: State, *, signature: bool = True) -> Iterator[Part]:
    parts = names(node["objname"])
    if len(parts) < 2:
        return
    key: Key = (parts[-2], parts[-1])
    overloads = state.functions.get(key)
    types = tuple(type_name(item["TypeName"]) for item in node.get("objargs", ()))
    if not overloads:
        yield Part("function", key[1], key[0], key[1], f"function {label(key)}")
    elif signature and not node.get("args_unspecified") and not any(_fits(types, one) for one in overloads):
        yield Part("function", key[1], key[0], key[1], f"function {label(key)}({', '.join(types)})", known=True)


def _fits(types: tuple[str, ...], arguments: tuple[str, ...]) -> bool:
    """Whether two lists of types may be the same; one of a type that is not built in, only by its length."""
    if len(types) != len(arguments):
        return False
    return all(one == other or "." in one + other for one, other in zip(types, arguments, strict=True))

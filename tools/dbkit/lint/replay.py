"""Replay statements of migration files into the picture of the database: the linter's step between trees and rules.

A handler for each kind of statement; a statement that has none changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from dbkit.lint.expressions import expressions
from dbkit.lint.files import LintFile
from dbkit.lint.model import Column, Constraint, Index, Origin, Policy, Table
from dbkit.lint.replay_names import NAME_HANDLERS
from dbkit.lint.replay_objects import OBJECT_HANDLERS, Handler
from dbkit.lint.state import State
from dbkit.lint.trees import (
    NOT_NULL,
    SERIALS,
    as_text,
    column_type,
    commands,
    constraints_of,
    names,
    relations_among,
    role_name,
    starred_relations,
    type_modifiers,
    walk,
)
from dbkit.parse import Node, Statement

__all__ = ["replay"]

_KINDS = {
    "CONSTR_PRIMARY": "primary",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_FOREIGN": "foreign",
    "CONSTR_CHECK": "check",
    "CONSTR_EXCLUSION": "exclude",
}
_SUFFIXES = {"primary": "pkey", "unique": "key", "foreign": "fkey", "check": "check", "exclude": "excl"}


def replay(state: State, statement: Statement, file: LintFile) -> None:
    """Let one statement change the picture."""
    state.at = file, statement
    for handler in _HANDLERS_OF.get(statement.tag, ()):
        handler(state, statement, file)


# ---------------------------------------------------------------------------------------------------------------------
# Create
# ---------------------------------------------------------------------------------------------------------------------


def _create_table(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    if statement.tag == "CreateForeignTableStmt":
        node = node["base"]
    place = node["relation"]
    temporary = place.get("relpersistence") == "t"
    key = state.new_key(place)
    earlier = state.tables.get(key)
    if earlier is not None and earlier.known and node.get("if_not_exists"):
        return
    kind = "table"
    if statement.tag == "CreateForeignTableStmt":
        kind = "foreign"
    elif "partbound" in node:
        kind = "partition"
    elif "partspec" in node:
        kind = "partitioned"
    origin = Origin(file, statement.offset(place), statement.start)
    table = state.create(Table(key, kind, origin, temporary=temporary))
    table.copied = table.derived = "inhRelations" in node or "ofTypename" in node
    if "partspec" in node:
        parts = [item["PartitionElem"] for item in node["partspec"].get("partParams", ())]
        table.partition_key = tuple(part.get("name") for part in parts)
    for parent in node.get("inhRelations", ()):
        _copy(state, table, state.tables.get(state.key(parent["RangeVar"])), everything="partbound" in node)
    late: list[Node] = []
    for element in node.get("tableElts", ()):
        if "ColumnDef" in element:
            _add_column(state, table, element["ColumnDef"], statement, file)
        elif "Constraint" in element:
            late.append(element["Constraint"])
        elif "TableLikeClause" in element:
            clause = element["TableLikeClause"]
            table.derived = True
            source = state.tables.get(state.key(clause["relation"]))
            # CREATE_TABLE_LIKE_INDEXES is bit 6 of `options`.
            _copy(state, table, source, everything=bool(clause.get("options", 0) & 0x40))
    for constraint in late:
        _add_constraint(state, table, constraint, (), statement, file)


def _copy(state: State, table: Table, source: Table | None, *, everything: bool) -> None:
    """Columns of LIKE, INHERITS and PARTITION OF; `everything` also brings keys and indexes."""
    if source is None or not source.known:
        table.known = table.known and source is not None
        return
    for column in source.columns.values():
        table.columns[column.name] = replace(column, origin=table.origin)
    if not everything:
        return
    for index in source.indexes.values():
        state.copy_index(table, replace(index, name=f"{table.key[1]}_{index.name}", origin=table.origin))
    for constraint in source.constraints.values():
        if constraint.kind != "foreign":
            table.constraints[constraint.name] = replace(constraint, origin=table.origin)


def _create_table_as(state: State, statement: Statement, file: LintFile) -> None:
    place = statement.node["into"]["rel"]
    temporary = place.get("relpersistence") == "t"
    key = state.new_key(place)
    kind = "matview" if statement.node.get("objtype") == "OBJECT_MATVIEW" else "table"
    table = Table(key, kind, Origin(file, statement.offset(place), statement.start), temporary=temporary, copied=True)
    state.create(table)
    query = statement.node.get("query", {}).get("SelectStmt", {})
    table.reads, table.query = state.keys_read(query), query
    for source in starred_relations(query):
        for column in getattr(state.tables.get(state.key(source)), "columns", {}).values():
            table.columns[column.name] = Column(column.name, column.type, False, table.origin, column.modifiers)
    for target in query.get("targetList", ()):
        result = target["ResTarget"]
        field_names = names(result.get("val", {}).get("ColumnRef", {}).get("fields", ()))
        column = result.get("name") or (field_names[-1] if field_names else None)
        if column:
            table.columns[column] = Column(column, "", False, table.origin)


def _add_column(state: State, table: Table, node: Node, statement: Statement, file: LintFile) -> None:
    origin = Origin(file, statement.offset(node), statement.start)
    kind = column_type(node)
    serial = kind in SERIALS
    column = Column(node["colname"], kind, serial, origin, type_modifiers(node), identity=serial)
    table.columns[column.name] = column
    state.effects_of(file).columns.append((table, column))
    for constraint in constraints_of(node):
        what = constraint["contype"]
        if what in NOT_NULL:
            column.not_null = True
        if what == "CONSTR_DEFAULT":
            column.default = constraint.get("raw_expr", {})
        elif what == "CONSTR_IDENTITY":
            column.identity = True
        elif what in _KINDS:
            _add_constraint(state, table, constraint, (column.name,), statement, file)


def _add_constraint(
    state: State, table: Table, node: Node, default_columns: tuple[str, ...], statement: Statement, file: LintFile
) -> None:
    kind = _KINDS.get(node["contype"])
    if kind is None:
        return
    columns = tuple(names(node.get("fk_attrs" if kind == "foreign" else "keys", ()))) or default_columns
    if kind == "exclude":
        parts = [item["List"]["items"][0].get("IndexElem", {}) for item in node.get("exclusions", ())]
        columns = tuple(part["name"] for part in parts if "name" in part)
    if node.get("indexname"):  # … USING INDEX: the constraint takes the index over, with its name
        index = table.indexes.pop(node["indexname"], None)
        columns = tuple(column for column in index.columns if column) if index else ()
    name = node.get("conname") or _generated_name(table, kind, columns)
    constraint = Constraint(
        name=name,
        kind=kind,
        columns=columns,
        valid=not node.get("skip_validation", False),
        origin=Origin(file, statement.offset(node), statement.start),
        target=state.key(node["pktable"]) if kind == "foreign" else None,
        target_columns=tuple(names(node.get("pk_attrs", ()))),
        on_delete=node.get("fk_del_action", "a"),
        on_delete_columns=tuple(names(node.get("fk_del_set_cols", ()))),
        expression=node.get("raw_expr", {}),
    )
    table.constraints[name] = constraint
    effects = state.effects_of(file)
    effects.constraints.append((table, constraint))
    if kind == "foreign":
        effects.foreign_keys.append((table, constraint))
    elif kind == "check":
        effects.checks.append((table, constraint))
    if kind in ("primary", "unique"):
        state.add_index(table, Index(name, columns, True, constraint.origin, keys=columns))
    if kind == "primary":
        for column in columns:
            if column in table.columns:
                table.columns[column].not_null = True


def _create_index(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    origin = Origin(file, statement.start, statement.start)
    table = state.mention(node["relation"], origin)
    columns = tuple(item["IndexElem"].get("name") for item in node.get("indexParams", ()))
    name = node.get("idxname") or _index_name(table, columns)
    if name in table.indexes and node.get("if_not_exists"):
        return
    index = Index(name, columns, node.get("unique", False), origin, node.get("accessMethod", "btree"))
    if "whereClause" in node:
        index.predicate = _not_null_columns(node["whereClause"])
    index.keys = tuple(_index_key(item["IndexElem"]) for item in node.get("indexParams", ()))
    further = {
        name: node[name] for name in ("whereClause", "indexIncludingParams", "nulls_not_distinct") if name in node
    }
    index.rest = as_text(further) if further else ""
    state.add_index(table, index)


def _create_policy(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    origin = Origin(file, statement.start, statement.start)
    table = state.mention(node["table"], origin)
    roles = tuple(role_name(role["RoleSpec"]) for role in node.get("roles", ()))
    command = node.get("cmd_name", "all")
    policy = Policy(node["policy_name"], command, node.get("permissive", False), roles, origin)
    table.policies[policy.name] = policy
    _set_conditions(state, policy, statement)
    state.effects_of(file).secured.setdefault(table, origin)


def _set_conditions(state: State, policy: Policy, statement: Statement) -> None:
    node = statement.node
    policy.using, policy.check = node.get("qual", policy.using), node.get("with_check", policy.check)
    if statement.tag == "CreatePolicyStmt":
        asked = [item for expression in reversed(expressions(statement)) for item in expression.nodes]
    else:  # ALTER POLICY leaves the one it does not write
        asked = walk([policy.using, policy.check])
    policy.has_sublink = any(tag == "SubLink" for tag, _ in asked)
    policy.reads = state.keys_of(relations_among(asked)) if policy.has_sublink else ()


def _alter_policy(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    policy = state.mention(node["table"], Origin(file, statement.start, statement.start)).policies.get(
        node["policy_name"]
    )
    if policy is None:
        return
    policy.origin = Origin(file, statement.start, statement.start)
    if "roles" in node:
        policy.roles = tuple(role_name(role["RoleSpec"]) for role in node["roles"])
    _set_conditions(state, policy, statement)
    state.effects_of(file).secured.setdefault(state.tables[state.key(node["table"])], policy.origin)


# ---------------------------------------------------------------------------------------------------------------------
# Alter
# ---------------------------------------------------------------------------------------------------------------------


def _alter_table(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    if node.get("objtype") not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"):
        return
    table = state.mention(node["relation"], Origin(file, statement.start, statement.start))
    for command in commands(node):
        _alter_table_command(state, table, command, statement, file)


def _alter_table_command(state: State, table: Table, command: Node, statement: Statement, file: LintFile) -> None:
    what, name = command["subtype"], command.get("name", "")
    definition = command.get("def", {})
    column = table.columns.get(name)
    if what == "AT_AddColumn":
        node = definition["ColumnDef"]
        if not (command.get("missing_ok") and node["colname"] in table.columns):
            _add_column(state, table, node, statement, file)
    elif what == "AT_AddConstraint":
        _add_constraint(state, table, definition["Constraint"], (), statement, file)
    elif what == "AT_DropColumn":
        _drop_column(state, table, name, file)
    elif what in ("AT_SetNotNull", "AT_DropNotNull") and column:
        column.not_null = what == "AT_SetNotNull"
    elif what == "AT_AlterColumnType" and column:
        column.type = column_type(definition["ColumnDef"])
        column.modifiers = type_modifiers(definition["ColumnDef"])
    elif what == "AT_ColumnDefault" and column:
        column.default = definition
    elif what == "AT_DropConstraint":
        dropped = table.constraints.pop(name, None)
        if dropped is not None:
            state.effects_of(file).dropped_constraints.append((table, dropped))
        state.drop_index(table, name)
    elif what == "AT_ValidateConstraint" and name in table.constraints:
        table.constraints[name].valid = True
    elif what == "AT_AttachPartition":
        child = state.mention(definition["PartitionCmd"]["name"], table.origin)
        child.kind, child.derived = "partition", True
    elif what in _ROW_SECURITY:
        attribute, value = _ROW_SECURITY[what]
        setattr(table, attribute, value)
        table.rls_origin = Origin(file, statement.start, statement.start)
        state.effects_of(file).secured.setdefault(table, table.rls_origin)


def _drop_column(state: State, table: Table, column: str, file: LintFile) -> None:
    table.columns.pop(column, None)
    for constraint in [item for item in table.constraints.values() if column in item.columns]:
        del table.constraints[constraint.name]
    for index in [item for item in table.indexes.values() if column in item.columns]:
        state.drop_index(table, index.name)
        state.effects_of(file).lost_indexes.add((table.key[0], index.name))


def _create_schema(state: State, statement: Statement, file: LintFile) -> None:
    """CREATE SCHEMA s CREATE TABLE t …: the elements stand in the schema."""
    schema = statement.node.get("schemaname")
    if schema:
        state.schemas.setdefault(schema, file)
    for element in statement.node.get("schemaElts", ()):
        tag, node = next(iter(element.items()))
        if schema and tag == "CreateStmt":
            node["relation"].setdefault("schemaname", schema)
        replay(state, replace(statement, tag=tag, node=node, memo={}), file)


def _generated_name(table: Table, kind: str, columns: tuple[str, ...]) -> str:
    """The name PostgreSQL gives an unnamed constraint, but for truncation at 63 bytes."""
    middle = () if kind == "primary" else columns
    base = "_".join((table.key[1], *middle, _SUFFIXES[kind]))
    name, number = base, 0
    while name in table.constraints:
        number += 1
        name = f"{base}{number}"
    return name


def _index_name(table: Table, columns: tuple[str | None, ...]) -> str:
    base = "_".join((table.key[1], *(column or "expr" for column in columns), "idx"))
    name, number = base, 0
    while name in table.indexes:
        number += 1
        name = f"{base}{number}"
    return name


def _index_key(element: Node) -> str:
    plain = element.get("ordering", "SORTBY_DEFAULT") in ("SORTBY_DEFAULT", "SORTBY_ASC")
    if plain and "name" in element and "opclass" not in element and "collation" not in element:
        return str(element["name"])
    return as_text(element)


def _not_null_columns(predicate: Node) -> tuple[str, ...] | bool:
    """The columns of a predicate made of `column is not null` only; False for any other predicate."""
    if "BoolExpr" in predicate and predicate["BoolExpr"]["boolop"] == "AND_EXPR":
        parts = [_not_null_columns(part) for part in predicate["BoolExpr"]["args"]]
        return False if any(part is False for part in parts) else tuple(c for part in parts for c in part or ())  # type: ignore[union-attr]
    test = predicate.get("NullTest", {})
    fields = names(test.get("arg", {}).get("ColumnRef", {}).get("fields", ()))
    return (fields[-1],) if test.get("nulltesttype") == "IS_NOT_NULL" and fields else False


_ROW_SECURITY = {
    "AT_EnableRowSecurity": ("rls_enabled", True),
    "AT_DisableRowSecurity": ("rls_enabled", False),
    "AT_ForceRowSecurity": ("rls_forced", True),
    "AT_NoForceRowSecurity": ("rls_forced", False),
}

_HANDLERS: dict[str, Handler] = {
    "CreateStmt": _create_table,
    "CreateForeignTableStmt": _create_table,
    "CreateTableAsStmt": _create_table_as,
    "CreateSchemaStmt": _create_schema,
    "IndexStmt": _create_index,
    "CreatePolicyStmt": _create_policy,
    "AlterPolicyStmt": _alter_policy,
    "AlterTableStmt": _alter_table,
}

# For each kind of statement, in this order.
_HANDLERS_OF: dict[str, list[Handler]] = {}
for _handlers in (_HANDLERS, NAME_HANDLERS, OBJECT_HANDLERS):
    for _tag, _handler in _handlers.items():
        _HANDLERS_OF.setdefault(_tag, []).append(_handler)

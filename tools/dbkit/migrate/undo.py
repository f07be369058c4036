"""The way back of a statement that made something new: what a drafted down section is built from.

Only what outlives its table or schema needs undoing; comments, owners and privileges go with their object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from dbkit.mentions import ObjectName, created_objects, routine_signature, type_text
from dbkit.migrate.ddl import grantee
from dbkit.parse import Node, Statement
from dbkit.sqltext import identifier

__all__ = ["undo_statements"]

# ALTER DEFAULT PRIVILEGES names what it is about by the type of the object.
_DEFAULT_OBJECTS = {
    "OBJECT_TABLE": "tables",
    "OBJECT_SEQUENCE": "sequences",
    "OBJECT_FUNCTION": "functions",
    "OBJECT_TYPE": "types",
    "OBJECT_SCHEMA": "schemas",
}
# Roles that have no name of their own.
_ROLE_WORDS = {
    "ROLESPEC_PUBLIC": "public",
    "ROLESPEC_CURRENT_ROLE": "current_role",
    "ROLESPEC_CURRENT_USER": "current_user",
    "ROLESPEC_SESSION_USER": "session_user",
}
_SUBTYPES = {"AT_EnableRowSecurity": "disable", "AT_ForceRowSecurity": "no force"}


def undo_statements(statements: Sequence[Statement], made: Set[ObjectName], made_schemas: Set[str]) -> list[str]:
    """SQL that takes back what the statements of a new file made, last thing first.

    Args:
        statements: in the order they are applied. What one of them creates did not exist before.
        made, made_schemas: everything the migration creates; what belongs to one of these goes with it.
    """
    undone: list[str] = []
    for statement in reversed(statements):
        for sql in reversed(_undo(statement, made, made_schemas)):
            if sql not in undone:  # a thing made in two steps goes once
                undone.append(sql)
    return undone


def _undo(statement: Statement, made: Set[ObjectName], made_schemas: Set[str]) -> list[str]:
    tag, node = statement.tag, statement.node
    if tag == "CreateFunctionStmt":
        kind = "procedure" if node.get("is_procedure") else "function"
        return [f"drop {kind} {routine_signature(statement)};"]
    if tag in _CREATED:
        return [f"drop {_created_kind(tag, node)} {_name(name)};" for name in list(created_objects(statement))[:1]]
    if tag == "CreateSchemaStmt":
        return [f"drop schema {identifier(node['schemaname'])};"]
    if tag == "CreatePolicyStmt":
        return [f"drop policy {identifier(node['policy_name'])} on {_range(node['table'])};"]
    if tag == "CreateTrigStmt":
        return [f"drop trigger {identifier(node['trigname'])} on {_range(node['relation'])};"]
    if tag == "RuleStmt":
        return [f"drop rule {identifier(node['rulename'])} on {_range(node['relation'])};"]
    if tag == "IndexStmt":
        # An index lives in its table's schema and goes with the table.
        if _relation(node["relation"]) in made or "idxname" not in node:
            return []
        return [f"drop index {identifier(node['relation'].get('schemaname', 'public'))}.{identifier(node['idxname'])};"]
    if tag == "AlterTableStmt":
        return [] if _relation(node["relation"]) in made else _undo_alter_table(node)
    if tag == "GrantStmt":
        return _undo_grant(node, made, made_schemas)
    if tag == "AlterDefaultPrivilegesStmt":
        return _undo_default_privileges(node)
    return []


_CREATED = {
    "CreateStmt": "table",
    "CreateForeignTableStmt": "foreign table",
    "ViewStmt": "view",
    "CreateTableAsStmt": "table",
    "CreateSeqStmt": "sequence",
    "CompositeTypeStmt": "type",
    "CreateEnumStmt": "type",
    "CreateRangeStmt": "type",
    "CreateDomainStmt": "domain",
}


def _created_kind(tag: str, node: Node) -> str:
    if tag == "CreateTableAsStmt" and node.get("objtype") == "OBJECT_MATVIEW":
        return "materialized view"
    return _CREATED[tag]


def _undo_alter_table(node: Node) -> list[str]:
    table = _range(node["relation"])
    undone = []
    for item in node.get("cmds", ()):
        command = item["AlterTableCmd"]
        if command["subtype"] in _SUBTYPES:
            undone.append(f"alter table {table} {_SUBTYPES[command['subtype']]} row level security;")
        elif command["subtype"] == "AT_AddConstraint" and "conname" in command["def"]["Constraint"]:
            undone.append(f"alter table {table} drop constraint {identifier(command['def']['Constraint']['conname'])};")
        elif command["subtype"] == "AT_AddColumn":
            undone.append(f"alter table {table} drop column {identifier(command['def']['ColumnDef']['colname'])};")
    return undone


def _undo_grant(node: Node, made: Set[ObjectName], made_schemas: Set[str]) -> list[str]:
    """Privileges on what stays: on tables, functions and schemas of other modules."""
    if not node.get("is_grant") or node.get("targtype") != "ACL_TARGET_OBJECT":
        return []
    targets = []
    for item in node.get("objects", ()):
        if "RangeVar" in item and _relation(item["RangeVar"]) not in made:
            targets.append(f"table {_range(item['RangeVar'])}")
        elif "String" in item and node["objtype"] == "OBJECT_SCHEMA" and item["String"]["sval"] not in made_schemas:
            targets.append(f"schema {identifier(item['String']['sval'])}")
        elif "ObjectWithArgs" in item:
            parts = [part["String"]["sval"] for part in item["ObjectWithArgs"]["objname"]]
            if ObjectName("routine", parts[-2] if len(parts) > 1 else "public", parts[-1]) not in made:
                arguments = item["ObjectWithArgs"].get("objargs", ())
                types = ", ".join(type_text(argument["TypeName"]) for argument in arguments)
                name = ".".join(map(identifier, parts))
                targets.append(
                    f"function {name}" + ("" if item["ObjectWithArgs"].get("args_unspecified") else f"({types})")
                )
    return [f"revoke {_privileges(node)} on {target} from {_grantees(node)};" for target in targets]


def _undo_default_privileges(node: Node) -> list[str]:
    """Default privileges of one schema go with it; those of every schema are turned round."""
    options = {item["DefElem"]["defname"]: item["DefElem"]["arg"] for item in node.get("options", ())}
    if "schemas" in options:
        return []
    action = node["action"]
    owners = _roles(options["roles"]["List"]["items"]) if "roles" in options else ""
    scope = f" for role {owners}" if owners else ""
    verb, preposition = ("revoke", "from") if action.get("is_grant") else ("grant", "to")
    objects = _DEFAULT_OBJECTS[action["objtype"]]
    return [
        f"alter default privileges{scope} {verb} {_privileges(action)} on {objects} {preposition} {_grantees(action)};"
    ]


def _privileges(node: Node) -> str:
    listed = []
    for item in node.get("privileges", ()):
        privilege = item["AccessPriv"]
        columns = ", ".join(identifier(column["String"]["sval"]) for column in privilege.get("cols", ()))
        listed.append(privilege.get("priv_name", "all") + (f" ({columns})" if columns else ""))
    return ", ".join(listed) or "all"


def _grantees(node: Node) -> str:
    return _roles(node["grantees"])


def _roles(items: Iterable[Node]) -> str:
    roles = [item["RoleSpec"] for item in items]
    return ", ".join(_ROLE_WORDS.get(role["roletype"]) or grantee(role["rolename"]) for role in roles)


def _relation(node: Node) -> ObjectName:
    return ObjectName("relation", node.get("schemaname", "public"), node["relname"])


def _range(node: Node) -> str:
    return _name(_relation(node))


def _name(name: ObjectName) -> str:
    return f"{identifier(name.schema)}.{identifier(name.name)}"

"""What a GRANT gives, to whom, on which tables: for the rules about privileges."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Table
from dbkit.lint.trees import names, role_name
from dbkit.parse import Node, Statement

__all__ = ["GRANTS", "grant_of", "granted_tables", "grantees", "object_label", "privileges"]

# The statements `grant_of` reads.
GRANTS = ("GrantStmt", "AlterDefaultPrivilegesStmt")

_OBJECTS = {"OBJECT_TABLE": "table", "OBJECT_SEQUENCE": "sequence", "OBJECT_FUNCTION": "function"}


def grant_of(statement: Statement) -> Node | None:
    """The GrantStmt node of a GRANT or of a default privilege; None for what revokes."""
    node = statement.node["action"] if statement.tag == "AlterDefaultPrivilegesStmt" else statement.node
    return node if node.get("is_grant") else None


def grantees(grant: Node) -> list[str]:
    """Names of the roles; `public` for PUBLIC."""
    return [role_name(item["RoleSpec"]) for item in grant.get("grantees", ())]


def privileges(grant: Node) -> set[str]:
    """Lower-case privileges; empty for ALL."""
    return {item["AccessPriv"].get("priv_name", "") for item in grant.get("privileges", ())}


def granted_tables(grant: Node, context: Context) -> Iterator[Table]:
    """The tables and materialized views a grant reaches, as far as the replay has seen them created."""
    if grant.get("objtype") != "OBJECT_TABLE" or grant.get("targtype") == "ACL_TARGET_DEFAULTS":
        return
    if grant.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        schemas = set(names(grant.get("objects", ())))
        yield from [table for table in context.state.tables.values() if table.known and table.key[0] in schemas]
        return
    for item in grant.get("objects", ()):
        table = context.state.find(item["RangeVar"]) if "RangeVar" in item else None
        if table is not None:
            yield table


def object_label(grant: Node, context: Context) -> str:
    """What is granted on, in words: `app.docs`, `all tables in schema app`, `future tables`."""
    kind = _OBJECTS.get(grant.get("objtype", ""), grant.get("objtype", "").removeprefix("OBJECT_").lower())
    if grant.get("targtype") == "ACL_TARGET_DEFAULTS":
        return f"future {kind}s"
    if grant.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        return f"all {kind}s in schema {', '.join(names(grant.get('objects', ())))}"
    labels = []
    for item in grant.get("objects", ()):
        if "RangeVar" in item:
            labels.append(context.state.name(item["RangeVar"]))
        elif "ObjectWithArgs" in item:
            labels.append(".".join(names(item["ObjectWithArgs"]["objname"])))
        else:
            labels.append(".".join(names([item])) or kind)
    return ", ".join(labels)

"""Objects are named without their schema.

## What it does
Notes, once a file, the first permanent table, view, function, type or sequence that is created, changed, commented on,
granted or dropped without a schema, that a view reads, a foreign key refers to or a column is of, unless the file sets
search_path.

## Why is this bad?
Where it lands, and which object is changed, depends on the search_path of whoever applies the file: another role,
another database setting, or the migration before it.

## Example
```sql
create table notes (
    id bigint generated always as identity primary key
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key
);
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import (
    COLUMN_STATEMENTS,
    added_constraints,
    column_definitions,
    column_type,
    names,
    nodes,
    relations_among,
)
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C078", severity=Severity.NOTE)

# statement -> the key of its RangeVar, or of its list of names
_RANGE_VARS = {
    "CreateStmt": "relation",
    "AlterTableStmt": "relation",
    "IndexStmt": "relation",
    "ViewStmt": "view",
    "CreateSeqStmt": "sequence",
    "AlterSeqStmt": "sequence",
    "CompositeTypeStmt": "typevar",
    "CreateTrigStmt": "relation",
    "CreatePolicyStmt": "table",
    "AlterPolicyStmt": "table",
    "RenameStmt": "relation",
    "RefreshMatViewStmt": "relation",
    "ClusterStmt": "relation",
    "InsertStmt": "relation",
    "UpdateStmt": "relation",
    "DeleteStmt": "relation",
    "MergeStmt": "relation",
    "CopyStmt": "relation",
}
_NAME_LISTS = {
    "CreateFunctionStmt": "funcname",
    "CreateEnumStmt": "typeName",
    "AlterEnumStmt": "typeName",
    "CreateDomainStmt": "domainname",
    "AlterDomainStmt": "typeName",
}
# What COMMENT, GRANT and DROP name -> how many parts it has without a schema.
_PARTS = {
    **dict.fromkeys(("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"), 1),
    **dict.fromkeys(("OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"), 1),
    **dict.fromkeys(("OBJECT_COLUMN", "OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_TABCONSTRAINT"), 2),
}


# What the server brings, for triggers.
_TRIGGER_FUNCTIONS = ("suppress_redundant_updates_trigger", "tsvector_update_trigger", "tsvector_update_trigger_column")


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    first: tuple[Statement, str] | None = None
    count = 0
    for statement in context.file.script.statements:
        if statement.tag == "VariableSetStmt" and statement.node.get("name") == "search_path":
            return
        name = _unqualified(statement, context)
        if name:
            first = first or (statement, name)
            count += 1
    if first is not None:
        statement, name = first
        yield Hit(
            f"{name} is named without its schema" + (f", and {count - 1} more names" if count > 1 else ""),
            at=statement.start,
            object=name,
            hint="Write schema.name.",
        )


def _unqualified(statement: Statement, context: Context) -> str | None:
    tag, node = statement.tag, statement.node
    if tag in _NAME_LISTS:
        return _alone(names(node.get(_NAME_LISTS[tag], ())), 1)
    if tag == "AlterFunctionStmt":
        return _alone(names(node["func"]["objname"]), 1)
    if tag == "CreateTrigStmt" and "schemaname" in node["relation"]:
        called = _alone(names(node["funcname"]), 1)
        return None if called in _TRIGGER_FUNCTIONS else called
    if tag == "DropStmt":
        return _first(node.get("objects", ()), node["removeType"], context)
    if tag == "CommentStmt":
        return _first([node["object"]], node["objtype"], context)
    if tag == "GrantStmt":
        named = node.get("targtype") == "ACL_TARGET_OBJECT"
        return _first(node.get("objects", ()), node["objtype"], context) if named else None
    if tag in ("TruncateStmt", "LockStmt"):
        return _first(node["relations"], "OBJECT_TABLE", context)
    relations = [node.get(_RANGE_VARS[tag], {})] if tag in _RANGE_VARS else []
    if tag in ("ViewStmt", "CreateTableAsStmt"):
        relations += [node["into"]["rel"]] if tag == "CreateTableAsStmt" else []
        relations += relations_among(nodes(statement))
    elif tag in COLUMN_STATEMENTS:
        relations += [item["pktable"] for item in added_constraints(node) if "pktable" in item]
    found = next(filter(None, [_name(relation, context) for relation in relations]), None)
    return found or (_type_of_column(statement, context) if tag in COLUMN_STATEMENTS else None)


def _first(items: Iterable[Node], kind: str, context: Context) -> str | None:
    """The first of the named objects of a kind that has no schema."""
    for item in items:
        if "RangeVar" in item:
            found = _name(item["RangeVar"], context)
        elif "List" in item:
            found = _alone(names(item["List"]["items"]), _PARTS.get(kind, 0))
        else:
            node = item.get("TypeName") or item.get("ObjectWithArgs") or {}
            found = _alone(names(node.get("names", node.get("objname", ()))), _PARTS.get(kind, 0))
        if found is not None and _name({"relname": found}, context):
            return found
    return None


def _alone(parts: list[str], depth: int) -> str | None:
    return parts[0] if parts and len(parts) == depth else None


def _type_of_column(statement: Statement, context: Context) -> str | None:
    """A type of this database that a column has and that is named without its schema."""
    types = {name for _, name in context.state.types} if context.state.types else ()
    for _, column in column_definitions(statement):
        if column_type(column) in types:
            return column_type(column)
    return None


def _name(relation: Node, context: Context) -> str | None:
    if not relation or "schemaname" in relation or relation.get("relpersistence") == "t":
        return None
    name = str(relation.get("relname", ""))
    temporary = any(table.temporary and table.key[1] == name for table in context.effects.tables)
    # What the server itself brings is found by every search_path.
    return None if temporary or not name or name.startswith("pg_") else name

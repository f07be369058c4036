"""Small questions about pglast's JSON trees that rules and the replay both ask."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from dbkit.parse import Node, Statement

__all__ = [
    "COLUMN_STATEMENTS",
    "NOT_NULL",
    "SERIALS",
    "TYPED_STATEMENTS",
    "added_constraints",
    "as_text",
    "calls",
    "column_definitions",
    "column_type",
    "commands",
    "constant",
    "constraints_of",
    "dropped_names",
    "has_aggregate",
    "has_default",
    "is_array",
    "is_not_null",
    "names",
    "nodes",
    "option",
    "range_var",
    "relation",
    "relations_among",
    "relations_in",
    "role_name",
    "selected_columns",
    "starred_relations",
    "true_option",
    "type_modifiers",
    "type_name",
    "typed_columns",
    "walk",
    "walk_outside",
]

# The statements `column_definitions` reads.
COLUMN_STATEMENTS = ("CreateStmt", "CreateForeignTableStmt", "AlterTableStmt")
# Those `typed_columns` reads.
TYPED_STATEMENTS = (*COLUMN_STATEMENTS, "CompositeTypeStmt", "CreateDomainStmt")

# Pseudo-types that PostgreSQL expands to an integer column with a default from a sequence.
SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})

# The constraints of a column that forbid NULL.
NOT_NULL = frozenset({"CONSTR_NOTNULL", "CONSTR_PRIMARY", "CONSTR_IDENTITY"})


def walk(tree: Any) -> list[tuple[str, Node]]:
    """Every tagged node below (and not including) `tree`, as (tag, node), in no particular order."""
    # The linter's innermost loop: the trees are plain dicts and lists, and a tag is what begins with a capital letter.
    found, stack = [], [tree]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            for key, value in item.items():
                kind = type(value)
                if kind is dict:
                    if key < "a":
                        found.append((key, value))
                    stack.append(value)
                elif kind is list:
                    stack.extend(value)
        elif type(item) is list or type(item) is tuple:
            stack.extend(item)
    return found


def nodes(statement: Statement) -> list[tuple[str, Node]]:
    """`walk` of a statement, its own node included; done once, since several rules ask."""
    known: list[tuple[str, Node]] | None = statement.memo.get("nodes")
    if known is None:
        known = statement.memo["nodes"] = walk({statement.tag: statement.node})
    return known


def walk_outside(tree: Any, inside: str = "SubLink") -> list[tuple[str, Node]]:
    """As `walk`, without what stands below nodes of one kind."""
    found, stack = [], [tree]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            for key, value in item.items():
                kind = type(value)
                if kind is dict:
                    if key < "a":
                        found.append((key, value))
                    if key != inside:
                        stack.append(value)
                elif kind is list and key != inside:
                    stack.extend(value)
        elif type(item) is list:
            stack.extend(item)
    return found


def relations_in(tree: Any) -> list[Node]:
    """The tables and views (RangeVar) a tree names, without the names its WITH clauses give."""
    return relations_among(walk(tree))


def relations_among(tagged: Iterable[tuple[str, Node]]) -> list[Node]:
    """`relations_in` of a tree whose nodes, as `walk` gives them, are known."""
    found, named = [], set()
    for tag, node in tagged:
        if tag == "RangeVar":
            found.append(node)
        elif "relname" in node.get("relation", ()):  # what INSERT, UPDATE and DELETE change
            found.append(node["relation"])
        elif tag == "CommonTableExpr":
            named.add(node["ctename"])
    return [node for node in found if "schemaname" in node or node["relname"] not in named]


def calls(statement: Statement, function: str) -> Iterator[Node]:
    """Every call of a function in a statement, by its unqualified name."""
    for tag, node in nodes(statement):
        if tag == "FuncCall" and names(node.get("funcname", ()))[-1:] == [function]:
            yield node


def names(items: Iterable[Node]) -> list[str]:
    """The strings of a list of String nodes: ["app", "accounts"]."""
    return [item["String"].get("sval", "") for item in items if "String" in item]


def as_text(tree: Any) -> str:
    """A tree as text that is the same wherever it stands: for telling whether two are equal."""
    return json.dumps(_without_places(tree), sort_keys=True)


def _without_places(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _without_places(value) for name, value in tree.items() if name != "location"}
    return [_without_places(item) for item in tree] if isinstance(tree, list) else tree


def starred_relations(select: Node) -> Iterator[Node]:
    """The tables and views (RangeVar) whose columns a SelectStmt takes with `*`, in any branch of a UNION."""
    for branch in ("larg", "rarg"):
        if branch in select:
            yield from starred_relations(select[branch])
    named = {item["CommonTableExpr"]["ctename"] for item in select.get("withClause", {}).get("ctes", ())}
    sources = [item for part in select.get("fromClause", ()) for item in _range_vars(part)]
    for target in select.get("targetList", ()):
        fields = target.get("ResTarget", {}).get("val", {}).get("ColumnRef", {}).get("fields", ())
        if not fields or "A_Star" not in fields[-1]:
            continue
        qualifier = names(fields)[-1:]
        for source in sources:
            alias = source.get("alias", {}).get("aliasname", source["relname"])
            if (not qualifier or qualifier == [alias]) and (source["relname"] not in named or "schemaname" in source):
                yield source


def _range_vars(item: Node) -> Iterator[Node]:
    if "RangeVar" in item:
        yield item["RangeVar"]
    for side in ("larg", "rarg"):
        if side in item.get("JoinExpr", {}):
            yield from _range_vars(item["JoinExpr"][side])


def has_aggregate(select: Node) -> bool:
    """Whether a SelectStmt without GROUP BY returns one row: its targets call a built-in aggregate."""
    called = {names(node["funcname"])[-1] for tag, node in walk(select.get("targetList", ())) if tag == "FuncCall"}
    return bool(called & _AGGREGATES)


_AGGREGATES = frozenset(
    [
        "count",
        "sum",
        "min",
        "max",
        "avg",
        "bool_and",
        "bool_or",
        "every",
        "array_agg",
        "string_agg",
        "json_agg",
        "jsonb_agg",
        "json_object_agg",
        "jsonb_object_agg",
        "bit_and",
        "bit_or",
        "xmlagg",
    ]
)


def dropped_names(node: Node) -> Iterator[list[str]]:
    """Name parts of each table, view, index or the like in a DropStmt."""
    for item in node.get("objects", ()):
        yield names(item["List"]["items"]) if "List" in item else names([item])


def range_var(parts: list[str]) -> Node:
    """A RangeVar of a dotted name."""
    return {"schemaname": parts[-2], "relname": parts[-1]} if len(parts) > 1 else {"relname": parts[-1]}


def relation(node: Node) -> tuple[str | None, str]:
    """(schema or None, name) of a RangeVar."""
    return node.get("schemaname"), node["relname"]


def commands(node: Node) -> list[Node]:
    """The AlterTableCmd nodes of an AlterTableStmt."""
    return [item["AlterTableCmd"] for item in node.get("cmds", ())]


def constraints_of(column: Node) -> list[Node]:
    """The Constraint nodes written behind a column definition."""
    written = column.get("constraints")
    return [item["Constraint"] for item in written] if written else []


def added_constraints(node: Node) -> list[Node]:
    """The Constraint nodes an AlterTableStmt adds, those of new columns included."""
    found = []
    for command in commands(node):
        definition = command.get("def", {})
        if command["subtype"] == "AT_AddConstraint":
            found.append(definition["Constraint"])
        elif command["subtype"] == "AT_AddColumn":
            found += constraints_of(definition["ColumnDef"])
    return found


def column_type(column: Node) -> str:
    """Type of a ColumnDef as `name` or `schema.name`, without pg_catalog; "" where it has none (`of type`)."""
    written = column.get("typeName")
    return _without_catalog(written) if written is not None else ""


def type_name(node: Node) -> str:
    """A TypeName spelled alike for the same type: `numeric`, `app.email[]`, `setof text`."""
    name = _without_catalog(node)
    return ("setof " if node.get("setof") else "") + name + "[]" * len(node.get("arrayBounds", ()))


def _without_catalog(node: Node) -> str:
    parts = names(node.get("names", ()))
    if "pg_catalog" in parts:
        parts = [part for part in parts if part != "pg_catalog"]
    return ".".join(parts)


def selected_columns(select: Node) -> tuple[str, ...] | None:
    """Names of the columns a SelectStmt returns, as far as its text tells; None for `*`."""
    if "larg" in select:
        return selected_columns(select["larg"])
    columns = []
    for item in select.get("targetList", ()):
        target = item["ResTarget"]
        value = target.get("val", {})
        while "TypeCast" in value:
            value = value["TypeCast"].get("arg", {})
        fields = value.get("ColumnRef", {}).get("fields", ())
        if fields and "A_Star" in fields[-1]:
            return None
        own = names(fields) or names(value.get("FuncCall", {}).get("funcname", ()))
        columns.append(target.get("name") or (own[-1] if own else "?column?"))
    return tuple(columns)


def type_modifiers(column: Node) -> tuple[int, ...]:
    """Constants behind a ColumnDef's type: (100,) of varchar(100), (12, 2) of numeric(12, 2)."""
    modifiers = column.get("typeName", {}).get("typmods")
    return tuple([int(constant(item) or 0) for item in modifiers]) if modifiers else ()


def is_array(column: Node) -> bool:
    """Whether a ColumnDef's type is an array."""
    return "arrayBounds" in column.get("typeName", {})


def column_definitions(statement: Statement) -> list[tuple[str, Node]]:
    """(name, ColumnDef) of each column a statement creates or gives another type.

    For CreateStmt, CreateForeignTableStmt and AlterTableStmt. The definition of a changed column has only a type. The
    columns of a temporary table are nobody's but the session's and left out.
    """
    known: list[tuple[str, Node]] | None = statement.memo.get("columns")
    if known is not None:
        return known
    node = statement.node
    if node.get("relation", {}).get("relpersistence") == "t":
        return []
    elements = [
        element["ColumnDef"] for element in node.get("base", node).get("tableElts", ()) if "ColumnDef" in element
    ]
    columns = [(column["colname"], column) for column in elements]
    for command in commands(node):
        definition = command.get("def", {}).get("ColumnDef")
        if definition and command["subtype"] in ("AT_AddColumn", "AT_AlterColumnType"):
            columns.append((command.get("name") or definition["colname"], definition))
    statement.memo["columns"] = columns
    return columns


def typed_columns(statement: Statement) -> list[tuple[str, Node]]:
    """`column_definitions`, the fields of a composite type, or a domain, whose type its columns have."""
    node = statement.node
    if statement.tag == "CompositeTypeStmt":
        return [(item["ColumnDef"]["colname"], item["ColumnDef"]) for item in node.get("coldeflist", ())]
    if statement.tag == "CreateDomainStmt":
        return [(names(node["domainname"])[-1], {"typeName": node["typeName"]})]
    return column_definitions(statement)


def is_not_null(column: Node) -> bool:
    """Whether a ColumnDef forbids NULL, by itself or as the primary key; serial and identity columns do."""
    for constraint in constraints_of(column):
        if constraint["contype"] in NOT_NULL:
            return True
    return column_type(column) in SERIALS


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


def true_option(options: Iterable[Node], name: str) -> bool:
    """Whether a boolean storage or view option is on; a name without a value is."""
    element = option(options, name)
    if element is None:
        return False
    value = element.get("arg", {})
    # `on` and `true` are keywords, `yes` is read as the name of a type.
    word = names(value.get("TypeName", {}).get("names", ()))[-1:] or [value.get("String", {}).get("sval")]
    written = word[0] or value.get("Integer", {}).get("ival")
    return not value or bool(value.get("Boolean", {}).get("boolval")) or str(written).lower() in _TRUE


_TRUE = frozenset({"true", "t", "on", "yes", "y", "1"})


def role_name(role: Node) -> str:
    """Name of a RoleSpec; "public" for PUBLIC, "current_user" and the like for the keywords."""
    kind = role.get("roletype", "")
    return str(role.get("rolename") or kind.removeprefix("ROLESPEC_").lower())


def _is_null(expression: Node) -> bool:
    while "TypeCast" in expression:
        expression = expression["TypeCast"].get("arg", {})
    return bool(expression.get("A_Const", {}).get("isnull"))

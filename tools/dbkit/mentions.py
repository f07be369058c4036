"""What a file creates and what it mentions: the facts from which the build order is computed.

A mention counts where the server resolves it when the file is applied: in DDL, expressions, defaults, casts, policies,
views and SQL-language function bodies. PL/pgSQL bodies are resolved when they run, so only the types their DECLARE
sections name count.

Names without a schema are taken as `public`; a mention that no file creates is simply nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dbkit.errors import DbkitError
from dbkit.parse import Node, Statement, bodies, embedded_statements, parse
from dbkit.sqltext import code_frame

__all__ = [
    "FileObjects",
    "ObjectName",
    "created_objects",
    "parse_file",
    "read_objects",
    "routine_signature",
    "type_text",
]

# Functions whose string argument names a relation that must exist when they are called.
_SEQUENCE_FUNCTIONS = {"nextval", "setval", "currval"}
_REG_TYPES = {"regclass": "relation", "regtype": "relation", "regproc": "routine", "regprocedure": "routine"}
# COMMENT, DROP and ALTER … OWNER name these as a list whose last part is not the relation.
_PARTS_OF_A_RELATION = {"OBJECT_COLUMN", "OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_TABCONSTRAINT"}
_RELATIONS = {
    "OBJECT_TABLE",
    "OBJECT_VIEW",
    "OBJECT_MATVIEW",
    "OBJECT_SEQUENCE",
    "OBJECT_FOREIGN_TABLE",
    "OBJECT_TYPE",
    "OBJECT_DOMAIN",
}
_SERIAL_TYPES = {"serial", "bigserial", "smallserial", "serial4", "serial8", "serial2"}
_SQL_TYPES = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "bpchar": "character",
    "varchar": "character varying",
}


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """An object other files can mention.

    Attributes:
        kind: "relation" (tables, views, sequences, types and domains share one namespace) or "routine".
    """

    kind: str
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" + ("()" if self.kind == "routine" else "")


@dataclass(slots=True)
class FileObjects:
    """What one file creates and mentions.

    Attributes:
        creates: object -> character offset of the statement that creates it first.
        signatures: "schema.name(argument types)" of each routine -> character offset of its statement.
        mentions: object -> character offset of its first mention; without what the file creates itself.
    """

    creates: dict[ObjectName, int] = field(default_factory=dict)
    signatures: dict[str, int] = field(default_factory=dict)
    mentions: dict[ObjectName, int] = field(default_factory=dict)


def parse_file(text: str, display: str) -> list[Statement]:
    """Parse a file of the declared tree or of migrations.

    Args:
        display: the file's name in error messages.

    Raises:
        DbkitError: a syntax error, with line, column and the line itself; or a psql command, which no server knows.
    """
    script = parse(text)
    problems = [(problem.message, problem.offset) for problem in script.problems]
    problems += [("psql command in SQL", item.start) for item in script.statements if item.tag == "psql"]
    if problems:
        message, offset = min(problems, key=lambda problem: problem[1])
        line, column = script.position(offset)
        raise DbkitError(
            message,
            detail=f"{display}:{line}:{column}: 42601\n{code_frame(text, line, column)}",
            hint="Correct the statement at the caret.",
        )
    return script.statements


def read_objects(text: str, display: str) -> FileObjects:
    """What a file creates and mentions.

    Args:
        display: the file's name in error messages.

    Raises:
        DbkitError: as `parse_file`.
    """
    objects = FileObjects()
    for statement in parse_file(text, display):
        for created in created_objects(statement):
            objects.creates.setdefault(created, statement.start)
        if statement.tag == "CreateFunctionStmt":
            objects.signatures.setdefault(routine_signature(statement), statement.start)
        for name, offset in _statement_mentions(statement):
            objects.mentions.setdefault(name, offset)
    for name in objects.creates:
        objects.mentions.pop(name, None)
    return objects


def created_objects(statement: Statement) -> Iterator[ObjectName]:
    """The objects a statement creates that others can mention."""
    kind, node = statement.tag, statement.node
    if kind == "CreateStmt":
        yield _from_range(node["relation"])
        yield from _implied_sequences(node)
    elif kind == "CreateForeignTableStmt":
        yield _from_range(node["base"]["relation"])
    elif kind == "ViewStmt":
        yield _from_range(node["view"])
    elif kind == "CreateTableAsStmt":
        yield _from_range(node["into"]["rel"])
    elif kind == "CreateSeqStmt":
        yield _from_range(node["sequence"])
    elif kind == "CompositeTypeStmt":
        yield _from_range(node["typevar"])
    elif kind == "CreateDomainStmt":
        yield _named("relation", node["domainname"])
    elif kind in ("CreateEnumStmt", "CreateRangeStmt"):
        yield _named("relation", node["typeName"])
    elif kind == "CreateFunctionStmt":
        yield _named("routine", node["funcname"])
    elif kind == "DefineStmt" and node["kind"] in ("OBJECT_AGGREGATE", "OBJECT_TYPE"):
        yield _named("routine" if node["kind"] == "OBJECT_AGGREGATE" else "relation", node["defnames"])


def _implied_sequences(create_table: Node) -> Iterator[ObjectName]:
    relation = create_table["relation"]
    for element in create_table.get("tableElts", ()):
        column = element.get("ColumnDef")
        if column is None:
            continue
        identity = any(c["Constraint"]["contype"] == "CONSTR_IDENTITY" for c in column.get("constraints", ()))
        type_name = _strings(column.get("typeName", {}).get("names", ()))
        if identity or (type_name and type_name[-1] in _SERIAL_TYPES):
            name = f"{relation['relname']}_{column['colname']}_seq"
            yield ObjectName("relation", relation.get("schemaname", "public"), name)


def routine_signature(statement: Statement) -> str:
    """`schema.name(input types)` of a CREATE FUNCTION or PROCEDURE, as DROP wants it."""
    types = []
    for item in statement.node.get("parameters", ()):
        parameter = item["FunctionParameter"]
        if parameter["mode"] not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"):
            types.append(type_text(parameter["argType"]))
    name = _named("routine", statement.node["funcname"])
    return f"{_quoted(name.schema)}.{_quoted(name.name)}({', '.join(types)})"


def type_text(type_name: Node) -> str:
    """A type as SQL writes it."""
    parts = _strings(type_name["names"])
    suffix = "%type" if type_name.get("pct_type") else "[]" * len(type_name.get("arrayBounds", ()))
    if parts[0] == "pg_catalog" and len(parts) == 2:  # what the grammar makes of SQL's own names
        return _SQL_TYPES.get(parts[1], _quoted(parts[1])) + suffix
    return ".".join(_quoted(part) for part in parts) + suffix


def _statement_mentions(statement: Statement) -> Iterator[tuple[ObjectName, int]]:
    """Every name in a statement and in the bodies that are resolved with it, with its character offset."""
    for name, place in _mentions({statement.tag: statement.node}, None):
        yield name, statement.offset(place)
    for body in bodies(statement):
        if body.immediate:
            continue
        if body.language == "sql":
            for inner in embedded_statements(body):
                for name, place in _mentions({inner.tag: inner.node}, None):
                    yield name, inner.offset(place)
        elif body.language == "plpgsql":
            for name, offset in _declared_types(body.text):
                yield name, body.offset + offset


def _mentions(node: Any, place: Node | None) -> Iterator[tuple[ObjectName, Node | None]]:
    """Every name in a tree with the nearest node that knows its place."""
    if isinstance(node, list):
        for item in node:
            yield from _mentions(item, place)
        return
    if not isinstance(node, dict):
        return
    if node.get("location", -1) >= 0:
        place = node
    for name in _names_at(node):
        yield name, place
    for key, value in node.items():
        if key == "DefineStmt":
            # `sfunc = core.add` parses as a type name.
            for name, nearest in _mentions(value, place):
                yield ObjectName("routine", name.schema, name.name), nearest
        yield from _mentions(value, place)


def _names_at(node: Node) -> Iterator[ObjectName]:
    """The names a node itself carries; its shape says what it is, since typed fields are not wrapped."""
    if "relname" in node:
        yield _from_range(node)
    if "names" in node and "typemod" in node:
        parts = _strings(node["names"])
        yield _from_parts("relation", parts[:-1] if node.get("pct_type") else parts)
    if isinstance(node.get("funcname"), list):
        yield _named("routine", node["funcname"])
        if _strings(node["funcname"])[-1] in _SEQUENCE_FUNCTIONS:
            yield from _named_in_string("relation", node.get("args", [{}])[0])
    if "objname" in node:
        yield _named("routine", node["objname"])
    if "TypeCast" in node:
        target = _strings(node["TypeCast"]["typeName"]["names"])[-1]
        if target in _REG_TYPES:
            yield from _named_in_string(_REG_TYPES[target], node["TypeCast"].get("arg", {}))
    if "AlterDomainStmt" in node or "AlterEnumStmt" in node:
        yield _named("relation", next(iter(node.values()))["typeName"])
    object_type = node.get("objtype") or node.get("objectType") or node.get("removeType")
    if object_type:
        yield from _listed_objects(object_type, [node.get("object"), *node.get("objects", ())])


def _listed_objects(object_type: str, objects: Iterable[Any]) -> Iterator[ObjectName]:
    for listed in objects:
        if not isinstance(listed, dict) or "List" not in listed:
            continue
        parts = _strings(listed["List"].get("items", ()))
        if object_type in _PARTS_OF_A_RELATION and len(parts) > 1:
            yield _from_parts("relation", parts[:-1])
        elif object_type in _RELATIONS and parts:
            yield _from_parts("relation", parts)


def _named_in_string(kind: str, argument: Node) -> Iterator[ObjectName]:
    if isinstance(argument, dict) and "TypeCast" in argument:
        argument = argument["TypeCast"].get("arg", {})
    text = argument.get("A_Const", {}).get("sval", {}).get("sval") if isinstance(argument, dict) else None
    if text:
        parts = re.findall(r'"((?:[^"]|"")*)"|([^."(]+)', text.split("(", 1)[0])
        yield _from_parts(kind, [quoted.replace('""', '"') or plain.strip().lower() for quoted, plain in parts])


def _declared_types(body: str) -> Iterator[tuple[ObjectName, int]]:
    """Types that DECLARE sections name, `schema.type`, `schema.table%rowtype` and `schema.table.column%type`."""
    from pglast import parser

    try:
        tokens = [token for token in parser.scan(body) if not token.name.endswith("COMMENT")]
    except parser.ParseError:
        return
    words = [body[token.start : token.end + 1] for token in tokens]
    declaring = False
    for index, token in enumerate(tokens):
        if token.name in ("DECLARE", "BEGIN_P"):
            declaring = token.name == "DECLARE"
        elif declaring and words[index] == "." and 0 < index < len(words) - 1:
            after = words[index + 2] if index + 2 < len(words) else ""
            before = words[index - 2] if index > 1 else ""
            if after != "(" and before != ".":
                name = _from_parts("relation", [_unquoted(words[index - 1]), _unquoted(words[index + 1])])
                yield name, tokens[index - 1].start


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[a-z_][a-z0-9_]*", word) else '"' + word.replace('"', '""') + '"'


def _unquoted(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word.lower()


def _from_range(node: Node) -> ObjectName:
    return ObjectName("relation", node.get("schemaname", "public"), node["relname"])


def _named(kind: str, parts: Iterable[Any]) -> ObjectName:
    return _from_parts(kind, _strings(parts))


def _from_parts(kind: str, parts: list[str]) -> ObjectName:
    return ObjectName(kind, parts[-2] if len(parts) > 1 else "public", parts[-1] if parts else "")


def _strings(nodes: Iterable[Any]) -> list[str]:
    return [node["String"]["sval"] for node in nodes if "String" in node and "sval" in node["String"]]

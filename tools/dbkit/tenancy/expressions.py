"""Read policy expressions: which column of the table is compared with what the session says about its caller.

pglast's trees are asked, never the text, so casts, sub-selects, `nullif`, `coalesce` and the order of operands change
nothing. Helper functions without arguments are looked through by their source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from dbkit.lint.trees import constant, names, walk
from dbkit.parse import Node, SyntaxFault, parse_tree
from dbkit.tenancy.relations import TEXTS_KEPT

__all__ = [
    "Comparison",
    "Source",
    "alternatives",
    "arms",
    "caller_expressions",
    "columns_in",
    "comparisons",
    "narrowed_beside",
    "parse_expression",
]

_SETTING = re.compile(r"current_setting\s*\(\s*'([^']+)'", re.IGNORECASE)
# Between a setting and its key: closing brackets, the empty string of nullif, casts.
_BETWEEN = re.compile(r"(?:\)|\s|,\s*'')*(?:::\s*\w+|\)|\s)*")
_STEP = re.compile(r"\s*\)*\s*(?:->>?\s*'([^']+)'|#>>?\s*'\{([^}']+)\}')")
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_LISTING = frozenset({"jsonb_array_elements_text", "json_array_elements_text", "jsonb_array_elements"})


@dataclass(frozen=True)
class Source:
    """Where an expression takes the caller from: a setting, and the path in it where it holds a JSON document.

    Attributes:
        many: "" for one value, "list" for values between commas, "array" for an array literal, "json" for a JSON array.
    """

    setting: str
    path: tuple[str, ...] = ()
    many: str = ""


@dataclass(frozen=True)
class Comparison:
    """A column of the table beside the places its value may come from; any one of them is enough."""

    column: str
    sources: tuple[Source, ...]


def parse_expression(text: str) -> Node | None:
    """The tree of an expression, None for what the parser does not take."""
    try:
        (statement,) = parse_tree(f"select {text}")
        (target,) = statement["stmt"]["SelectStmt"]["targetList"]
    except (SyntaxFault, ValueError, KeyError):
        return None
    value: Node = target["ResTarget"]["val"]
    return value


def columns_in(text: str, table: str, columns: Mapping[str, Any]) -> set[str]:
    """Columns of `table` that an expression mentions."""
    tree = parse_expression(text)
    if tree is None:
        return set()
    found = (_column(node, table, columns) for tag, node in _tagged(tree) if tag == "ColumnRef")
    return {name for name in found if name}


def comparisons(
    text: str, table: str, columns: Mapping[str, Any], helpers: Mapping[str, str], *, loose: bool = False
) -> Iterator[Comparison]:
    """Every place where a column of the table meets a setting.

    Args:
        text: a policy's expression as pg_get_expr writes it.
        table: unqualified name of its table.
        helpers: qualified name of functions without arguments -> their source.
        loose: also where a function changes the column first, as in `left(tenant_id::text, 8)`.
    """
    tree = parse_expression(text)
    if tree is None:
        return
    for tag, node in _tagged(tree):
        sides: list[tuple[Node, Node, bool]] = []
        if tag == "A_Expr" and "lexpr" in node and "rexpr" in node:
            operator = names(node["name"])[-1:]
            if operator in (["="], ["@>"], ["?"]):
                many = node.get("kind") == "AEXPR_OP_ANY" or operator != ["="]
                sides = [(node["lexpr"], node["rexpr"], many), (node["rexpr"], node["lexpr"], many)]
        elif tag == "SubLink" and "testexpr" in node:
            sides = [(node["testexpr"], node["subselect"], True)]
        for left, right, many in sides:
            column = _column(_bare(left).get("ColumnRef", {}), table, columns)
            if loose and column is None:
                inside = {_column(node, table, columns) for tag, node in _tagged(left) if tag == "ColumnRef"}
                column = inside.pop() if len(inside) == 1 else None
            sources = tuple(_sources(right, helpers, many)) if column else ()
            if column and sources:
                yield Comparison(column, sources)


@lru_cache(maxsize=TEXTS_KEPT)
def caller_expressions(text: str, column: str) -> tuple[str, ...]:
    """What a policy's expression compares a column with, as SQL; only what can be asked without a row of the table."""
    from pglast import ast, parse_sql
    from pglast.parser import ParseError
    from pglast.stream import RawStream
    from pglast.visitors import Visitor

    class Comparisons(Visitor):
        def __init__(self) -> None:
            self.found: list[str] = []

        def visit_A_Expr(self, _: object, node: Any) -> None:
            for left, right in ((node.lexpr, node.rexpr), (node.rexpr, node.lexpr)):
                while isinstance(left, ast.TypeCast):
                    left = left.arg
                fields = list(left.fields or ()) if isinstance(left, ast.ColumnRef) else []
                named = bool(fields) and getattr(fields[-1], "sval", None) == column
                if named and node.name[-1].sval == "=" and not isinstance(right, ast.ColumnRef):
                    self.found.append(RawStream()(right))

    try:
        tree = parse_sql(f"select {text}")
    except ParseError:
        return ()
    visitor = Comparisons()
    visitor(tree)
    return tuple(visitor.found)


def arms(text: str, table: str, columns: Mapping[str, Any]) -> Iterator[dict[str, str | None]]:
    """For each way an OR opens an expression, values of the row that go that way, as far as the row decides it.

    Args:
        text: a policy's expression as pg_get_expr writes it.

    Returns:
        column -> value that meets its condition; None stands for NULL, "" for any value but NULL.
    """
    tree = parse_expression(text)
    for arm in _alternatives(tree) if tree is not None else ():
        values: dict[str, str | None] = {}
        for condition in _conjuncts(arm):
            values |= _met(condition, table, columns)
        if values:
            yield values


def alternatives(text: str) -> list[str]:
    """The parts of an expression's outermost OR as SQL; the expression itself where it is no OR."""
    from pglast import ast, parse_sql
    from pglast.enums import BoolExprType
    from pglast.parser import ParseError
    from pglast.stream import RawStream

    try:
        (statement,) = parse_sql(f"select {text}")
    except ParseError:
        return [text]

    def parts(node: Any) -> Iterator[str]:
        if isinstance(node, ast.BoolExpr) and node.boolop == BoolExprType.OR_EXPR:
            for part in node.args or ():
                yield from parts(part)
        else:
            yield RawStream()(node)

    select: Any = statement.stmt
    return list(parts(select.targetList[0].val))


def narrowed_beside(text: str, table: str, columns: Mapping[str, Any], column: str) -> bool:
    """Whether one alternative of an OR joins the column's condition to another by AND: brackets may be missing."""
    tree = parse_expression(text) or {}
    if tree.get("BoolExpr", {}).get("boolop") != "OR_EXPR":
        return False
    for part in tree["BoolExpr"]["args"]:
        conditions = list(_conjuncts(part))
        asked = {_column(node, table, columns) for tag, node in _tagged(part) if tag == "ColumnRef"}
        if len(conditions) > 1 and column in asked:
            return True
    return False


def _alternatives(node: Node) -> Iterator[Node]:
    if node.get("BoolExpr", {}).get("boolop") == "OR_EXPR":
        for part in node["BoolExpr"]["args"]:
            yield from _alternatives(part)
        return
    parts = list(_conjuncts(node))
    inner = [part for part in parts if part.get("BoolExpr", {}).get("boolop") == "OR_EXPR"]
    if not inner:
        yield node
        return
    # One OR below an AND is spread out; more of them would multiply, and each is tried by itself.
    rest = [part for part in parts if part is not inner[0]]
    for part in _alternatives(inner[0]):
        yield {"BoolExpr": {"boolop": "AND_EXPR", "args": [part, *rest]}}


def _conjuncts(node: Node) -> Iterator[Node]:
    if node.get("BoolExpr", {}).get("boolop") == "AND_EXPR":
        for part in node["BoolExpr"]["args"]:
            yield from _conjuncts(part)
    else:
        yield node


def _met(node: Node, table: str, columns: Mapping[str, Any]) -> dict[str, str | None]:
    """A value that meets one condition on one column."""
    negated = node.get("BoolExpr", {}).get("boolop") == "NOT_EXPR"
    bare = _bare(node["BoolExpr"]["args"][0] if negated else node)
    if "ColumnRef" in bare:
        column = _column(bare["ColumnRef"], table, columns)
        return {column: "false" if negated else "true"} if column else {}
    if "NullTest" in bare:
        column = _column(_bare(bare["NullTest"]["arg"]).get("ColumnRef", {}), table, columns)
        is_null = (bare["NullTest"]["nulltesttype"] == "IS_NULL") != negated
        return {column: None if is_null else ""} if column else {}
    if "BooleanTest" in bare:
        column = _column(_bare(bare["BooleanTest"]["arg"]).get("ColumnRef", {}), table, columns)
        return {column: str("TRUE" in bare["BooleanTest"]["booltesttype"]).lower()} if column else {}
    inner = bare.get("A_Expr", {})
    operator = names(inner.get("name", ()))
    if not negated and operator in (["<"], ["<="], [">"], [">="]) and "lexpr" in inner:
        return _beyond(inner, operator[0][0] == "<", table, columns)
    if negated or operator != ["="] or "lexpr" not in inner:
        return {}
    for left, right in ((inner["lexpr"], inner["rexpr"]), (inner["rexpr"], inner["lexpr"])):
        column = _column(_bare(left).get("ColumnRef", {}), table, columns)
        value = constant(_first(right))
        if column and value is not None:
            return {column: value}
    return {}


def _beyond(inner: Node, less: bool, table: str, columns: Mapping[str, Any]) -> dict[str, str | None]:
    """A time or number far enough down or up to be before or after whatever it is compared with."""
    for one, other, before in ((inner["lexpr"], inner["rexpr"], less), (inner["rexpr"], inner["lexpr"], not less)):
        column = _column(_bare(one).get("ColumnRef", {}), table, columns)
        reads = any(_column(node, table, columns) for tag, node in _tagged(other) if tag == "ColumnRef")
        if column and not reads and columns[column].base in ("date", "timestamp", "timestamptz"):
            return {column: "1970-01-02" if before else "2900-01-02"}
        limit = constant(_bare(other)) if column and columns[column].base in _NUMBERS else None
        if column and limit and _NUMBER.fullmatch(limit):
            return {column: str(Decimal(limit) + (-1 if before else 1))}
    return {}


def _first(node: Node) -> Node:
    """The first element of `any (array[…])`, anything else as it is."""
    bare = _bare(node)
    elements = bare.get("A_ArrayExpr", {}).get("elements")
    return elements[0] if elements else bare


def _tagged(tree: Node) -> Iterator[tuple[str, Node]]:
    yield from walk([tree])


def _column(reference: Node, table: str, columns: Mapping[str, Any]) -> str | None:
    fields = names(reference.get("fields", ()))
    if len(fields) == 1 and fields[0] in columns:
        return fields[0]
    if len(fields) >= 2 and fields[-2] == table and fields[-1] in columns:
        return fields[-1]
    return None


def _bare(node: Node) -> Node:
    """Without casts and text functions that keep the value recognisable."""
    while True:
        if "TypeCast" in node:
            node = node["TypeCast"]["arg"]
        elif "CollateClause" in node:
            node = node["CollateClause"]["arg"]
        else:
            return node


def _sources(node: Node, helpers: Mapping[str, str], many: bool) -> Iterator[Source]:
    """Settings that the other side of a comparison reads; it must not read the table itself."""
    shape = _shape(node) if many else ""
    for found in _read(node, (), helpers):
        yield Source(found.setting, found.path, shape)


def _shape(node: Node) -> str:
    tags = list(walk([node]))
    called = {names(inner.get("funcname", ()))[-1] for tag, inner in tags if tag == "FuncCall"}
    if called & _LISTING or any(tag == "A_Expr" and names(inner["name"]) == ["->"] for tag, inner in tags):
        return "json"
    if called & {"string_to_array", "regexp_split_to_array", "string_to_table", "regexp_split_to_table"}:
        return "list"
    return "array"


def _read(node: Any, path: tuple[Any, ...], helpers: Mapping[str, str]) -> Iterator[Source]:
    """Follow a tree down to `current_setting`, collecting JSON keys on the way."""
    if isinstance(node, list):
        for item in node:
            yield from _read(item, path, helpers)
        return
    if not isinstance(node, dict):
        return
    for tag, inner in node.items():
        if tag == "A_Expr" and names(inner["name"])[-1:] in (["->"], ["->>"], ["#>"], ["#>>"]):
            key = constant(_bare(inner["rexpr"])) or ""
            steps = tuple(key.strip("{}").split(",")) if names(inner["name"])[-1].startswith("#") else (key,)
            yield from _read(inner["lexpr"], (*steps, *path), helpers)
        elif tag == "FuncCall":
            yield from _called(inner, path, helpers)
        elif isinstance(inner, dict | list):
            yield from _read(inner, path, helpers)


def _called(call: Node, path: tuple[Any, ...], helpers: Mapping[str, str]) -> Iterator[Source]:
    function, arguments = names(call["funcname"]), call.get("args", [])
    if function[-1] == "current_setting" and arguments:
        setting = constant(_bare(arguments[0]))
        if setting and "." in setting:
            yield Source(setting.lower(), tuple(path))
    elif not arguments:
        for name, source in helpers.items():
            if name.split(".")[-len(function) :] == function:
                yield from _in_source(source, path)
                break
    else:
        yield from _read(arguments, path, helpers)


def _in_source(source: str, path: tuple[Any, ...]) -> Iterator[Source]:
    """Settings a helper reads, each with the JSON keys that directly follow it in its source."""
    for match in _SETTING.finditer(source):
        if "." not in match[1]:
            continue
        keys: list[str] = []
        end = source.find(")", match.end())
        between = _BETWEEN.match(source, end + 1)
        position = between.end() if between else end + 1
        while (step := _STEP.match(source, position)) is not None:
            keys += step[2].split(",") if step[2] else [step[1]]
            position = step.end()
        yield Source(match[1].lower(), (*keys, *path))

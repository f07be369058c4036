"""EXECUTE of a concatenated string.

## What it does
Reports EXECUTE in PL/pgSQL of a string put together with `||` (or by `concat`, `replace` and the like, or by `format`
with `%s`) from parameters, loop variables or fields of a row, directly or through a variable, that are not quoted by
quote_ident, quote_literal, quote_nullable or format. Types that cannot carry SQL (numbers, uuid, regclass …) are left
alone.

## Why is this bad?
Whoever controls the value writes the statement: SQL injection, with the owner's rights in a SECURITY DEFINER function.

## Example
```sql
create function app.count_docs(p_body text) returns bigint
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_count bigint;
begin
    execute 'select count(*) from app.docs where body = ''' || p_body || '''' into v_count;
    return v_count;
end
$$;
```

## Use instead
```sql
create function app.count_docs(p_body text) returns bigint
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_count bigint;
begin
    execute 'select count(*) from app.docs where body = $1' into v_count using p_body;
    return v_count;
end
$$;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.flow import row_variables
from dbkit.lint.policies import column_of
from dbkit.lint.routines import body_of, body_statements
from dbkit.lint.rule import BOTH_WAYS, EVERYWHERE, Hit, Rule
from dbkit.lint.trees import constant, names, type_name
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L040",
    severity=Severity.ERROR,
    lock="none; SQL injection",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    triggers=("execute",),
)

_QUOTING = frozenset({"quote_ident", "quote_literal", "quote_nullable", "format"})
# Functions whose answer holds what they are given.
_TRANSPARENT = frozenset(
    {"concat", "concat_ws", "replace", "regexp_replace", "overlay", "translate", "trim", "btrim", "ltrim", "rtrim"}
    | {"lower", "upper", "left", "right", "substr", "substring"}
)
_TEXT = frozenset({"text", "varchar", "bpchar", "name", "citext", "json", "jsonb"})
# Types whose text cannot be SQL, and those that quote themselves.
_HARMLESS = frozenset(
    {"int2", "int4", "int8", "integer", "bigint", "smallint", "int", "numeric", "oid", "uuid", "bool", "boolean"}
    | {"date", "timestamptz", "interval", "regclass", "regtype", "regproc", "regprocedure", "regrole", "regnamespace"}
)
_EXECUTE = re.compile(r"\bexecute\s*\(*\s*$", re.IGNORECASE)
_ASSIGNED = re.compile(r"\b(\w+)\s*:?=\s*$")
_LOOP = re.compile(r"\bfor(?:each)?\s+(\w+)\s+in\b", re.IGNORECASE)
_SPECIFIER = re.compile(r"%(?:\d+\$)?-?\d*([sIL])|%%")


@rule.on("CreateFunctionStmt", "DoStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    body = body_of(statement)
    if body is None or body.language != "plpgsql" or "execute" not in body.text.lower():
        return
    executed: list[tuple[Node, Statement]] = []
    assigned: list[tuple[str, Node, Statement]] = []
    for inside in body_statements(statement):
        if inside.tag != "SelectStmt" or len(inside.node.get("targetList", ())) != 1:
            continue
        value = inside.node["targetList"][0]["ResTarget"].get("val", {})
        before = statement.script.text[max(body.offset, inside.start - 200) : inside.start]
        assignment = _ASSIGNED.search(before)
        if _EXECUTE.search(before):
            executed.append((value, inside))
        elif assignment:
            assigned.append((assignment[1].lower(), value, inside))
    names_executed = {name for value, _ in executed for name in _variables(value)}
    origins = _Origins(statement, body.text, [(name, value) for name, value, _ in assigned])
    for value, inside in executed:
        if _is_open(value, origins):
            yield _hit(inside)
    for name, value, inside in assigned:
        if name in names_executed and _is_open(value, origins):
            yield _hit(inside)


def _variables(value: Node) -> Iterator[str | None]:
    """The variables an executed value is made of, as they are: `q`, `'…' || rtrim(q, ',')`, `format('… %s', q)`."""
    for part in _operands(value):
        function, arguments = _call(part)
        if function in _TRANSPARENT:
            for argument in arguments:
                yield from _variables(argument)
        elif function == "format" and arguments:
            yield from (column_of(argument) for kind, argument in _placed(arguments) if kind == "s")
        else:
            yield column_of(part)


def _hit(inside: Statement) -> Hit:
    return Hit(
        "a statement is put together from values and executed",
        at=inside.start,
        hint="Pass values by using; put names in with format('… %I …', name).",
    )


class _Origins:
    """Which names of a body hold text that came from outside."""

    def __init__(self, statement: Statement, body: str, assigned: list[tuple[str, Node]]) -> None:
        written = [item["FunctionParameter"] for item in statement.node.get("parameters", ())]
        self.parameters = {item.get("name", ""): type_name(item["argType"]) for item in written}
        self.locals = dict(row_variables(body))
        loops = {match[1].lower() for match in _LOOP.finditer(body)}
        self.foreign = loops | {name for name, kind in self.parameters.items() if kind not in _HARMLESS}
        self.foreign |= {name for name, value in assigned if column_of(value) in self.foreign}

    def is_foreign(self, reference: Node) -> bool:
        parts = names(reference["ColumnRef"].get("fields", ()))
        # A field of a record, of a row or of the trigger's row, or one of the names above.
        return len(parts) != 1 or (parts[0] in self.foreign and self.locals.get(parts[0]) not in _HARMLESS)

    def is_text_parameter(self, value: Node) -> bool:
        return self.parameters.get(column_of(value) or "") in _TEXT


def _is_open(value: Node, origins: _Origins) -> bool:
    """Whether text that is not quoted gets into the value."""
    if "A_Expr" in value and names(value["A_Expr"]["name"])[-1:] == ["||"]:
        return any(_is_open(part, origins) or _is_raw(part, origins) for part in _operands(value))
    function, arguments = _call(value)
    if function in _TRANSPARENT:
        return any(_is_open(part, origins) or _is_raw(part, origins) for part in arguments)
    if function == "format" and arguments:
        return any(kind == "s" and origins.is_text_parameter(part) for kind, part in _placed(arguments))
    return False


def _call(value: Node) -> tuple[str, list[Node]]:
    call = value.get("FuncCall", {})
    return next(iter(names(call.get("funcname", ()))[-1:]), ""), call.get("args", [])


def _placed(arguments: list[Node]) -> Iterator[tuple[str, Node]]:
    """The arguments of format() with the kind of their place."""
    kinds = [match[1] for match in _SPECIFIER.finditer(constant(arguments[0]) or "") if match[1]]
    yield from zip(kinds, arguments[1:], strict=False)


def _is_raw(part: Node, origins: _Origins) -> bool:
    while "TypeCast" in part:
        if type_name(part["TypeCast"]["typeName"]) in _HARMLESS:
            return False
        part = part["TypeCast"].get("arg", {})
    if "CoalesceExpr" in part:
        return any(_is_raw(item, origins) for item in part["CoalesceExpr"]["args"])
    if "FuncCall" in part:  # a function of one's own may well quote
        arguments = part["FuncCall"].get("args", ())
        quotes = names(part["FuncCall"]["funcname"])[-1] in _QUOTING
        return not quotes and any(_is_raw(item, origins) for item in arguments)
    return "ColumnRef" in part and origins.is_foreign(part)


def _operands(value: Node) -> Iterator[Node]:
    expression = value.get("A_Expr", {})
    if names(expression.get("name", ()))[-1:] == ["||"]:
        yield from _operands(expression["lexpr"])
        yield from _operands(expression["rexpr"])
    else:
        yield value

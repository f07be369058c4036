"""What functions do: their bodies statement by statement, and what calls in them depend on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dbkit.lint.model import Function, label
from dbkit.lint.state import State
from dbkit.lint.trees import constant, names, type_name, walk
from dbkit.parse import Body, Node, Statement, bodies, embedded_statements

if TYPE_CHECKING:
    from dbkit.lint.engine import Context

__all__ = [
    "body_of",
    "body_statements",
    "function_label",
    "functions_here",
    "standard_body",
    "unstable_call",
    "zone_dependent",
]

# Built-in functions whose answer changes between two calls with the same arguments.
_CHANGING = frozenset(
    {"now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday", "random", "random_normal"}
    | {"gen_random_uuid", "gen_random_bytes", "uuidv4", "uuidv7", "uuid_generate_v1", "uuid_generate_v4", "nextval"}
    | {"currval", "lastval", "setval", "set_config", "current_setting", "txid_current", "pg_current_xact_id"}
    | {"pg_backend_pid", "current_database", "current_schema", "current_schemas", "inet_client_addr", "pg_has_role"}
    | {"has_table_privilege", "pg_get_serial_sequence"}
)
# What of a timestamptz depends on the session's time zone: functions, and types it is cast to.
_OF_TIMESTAMPTZ = frozenset({"date_trunc", "date_part", "extract", "date", "to_char"})
_LOCAL = frozenset({"date", "timestamp", "time", "text", "varchar"})


def functions_here(context: Context) -> Iterator[Function]:
    """Functions the file made or altered that still exist, as it leaves them."""
    for key, arguments in context.effects.functions:
        function = context.state.functions.get(key, {}).get(arguments)
        if function is not None:
            yield function


def function_label(function: Function) -> str:
    """A function as people write it: app.f(uuid, text)."""
    return f"{label(function.key)}({', '.join(function.arguments)})"


def body_of(statement: Statement) -> Body | None:
    """The quoted body of a CreateFunctionStmt or DoStmt."""
    return next(bodies(statement), None)


def body_statements(statement: Statement) -> list[Statement]:
    """The SQL inside a function or DO block, quoted or not; worked out once a statement."""
    known: list[Statement] | None = statement.memo.get("inside")
    if known is None:
        known = [inside for body in bodies(statement) for inside in embedded_statements(body)]
        known += standard_body(statement)
        statement.memo["inside"] = known
    return known


def standard_body(statement: Statement) -> list[Statement]:
    """The statements of `return …` and `begin atomic … end`."""
    return list(_sql_body(statement, statement.node.get("sql_body")))


def _sql_body(statement: Statement, tree: Node | None) -> Iterator[Statement]:
    if tree is None:
        return
    if "List" in tree:
        for item in tree["List"]["items"]:
            yield from _sql_body(statement, item)
        return
    for tag, node in tree.items():
        places = [place for item in _dicts(node) if (place := item.get("location", -1)) > 0]
        # The tree tells where a name stands, not where the statement begins.
        first = statement.offset({"location": min(places)}) if places else statement.start
        before = _BEFORE.match(statement.script.text, statement.start, first)
        start = before.end() if before else statement.start
        yield Statement(tag, node, start, statement.end, statement.script, statement.chunk, statement.base)


_BEFORE = re.compile(r".*(?:;|\batomic\b|(?=\breturn\b))\s*", re.IGNORECASE | re.DOTALL)


def _dicts(tree: Node) -> Iterator[Node]:
    stack: list[Any] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def unstable_call(tree: Node, state: State) -> tuple[str, Node] | None:
    """(name, node) of the first call whose answer does not depend on its arguments alone, or None."""
    for tag, node in walk(tree):
        if tag == "SQLValueFunction":
            return str(node["op"]).removeprefix("SVFOP_").lower().removesuffix("_n"), node
        if tag != "FuncCall":
            continue
        parts = names(node.get("funcname", ()))
        if parts[-1] in _CHANGING and (len(parts) == 1 or parts[-2] in ("pg_catalog", "extensions", "public")):
            return parts[-1], node
        overloads = list(state.functions.get(state.object_key(parts), {}).values())
        if overloads and all(function.volatility != "immutable" for function in overloads):
            return ".".join(parts), node
        if parts[-1] == "to_tsvector" and len(node.get("args", ())) == 1 and constant(node["args"][0]) is None:
            return "to_tsvector with one argument", node
    return None


def zone_dependent(
    tree: Any, is_timestamptz: Callable[[Node], bool], *, by_label: bool = False
) -> tuple[str, Node] | None:
    """(name, node) of the first cast or call whose answer depends on the session's time zone, or None.

    Args:
        by_label: also calls that PostgreSQL takes for such, though what they are asked does not: a date_trunc in a
            zone of its own, the epoch.
    """
    for tag, node in walk(tree):
        if tag == "TypeCast" and type_name(node["typeName"]) in _LOCAL and is_timestamptz(node.get("arg", {})):
            return f"a cast of timestamptz to {type_name(node['typeName'])}", node
        if tag != "FuncCall" or names(node["funcname"])[-1] not in _OF_TIMESTAMPTZ:
            continue
        arguments = node.get("args", ())
        fixed = len(arguments) > 2 or (arguments and constant(arguments[0]) == "epoch")
        if (by_label or not fixed) and any(is_timestamptz(argument) for argument in arguments):
            return f"{names(node['funcname'])[-1]}()", node
    return None

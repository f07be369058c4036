"""The replay of what is no table: views, functions and types."""

from __future__ import annotations

from collections.abc import Callable

from dbkit.lint.files import LintFile
from dbkit.lint.model import Function, Origin, View
from dbkit.lint.state import State
from dbkit.lint.trees import names, relation, selected_columns, type_name
from dbkit.parse import Node, Statement

__all__ = ["OBJECT_HANDLERS", "Handler", "function_of"]

Handler = Callable[[State, Statement, LintFile], None]

_OUTPUTS = ("FUNC_PARAM_OUT", "FUNC_PARAM_INOUT", "FUNC_PARAM_TABLE")
_NOT_INPUTS = ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")


def function_of(state: State, statement: Statement, file: LintFile) -> Function:
    """What a CreateFunctionStmt makes."""
    node = statement.node
    parameters = [item["FunctionParameter"] for item in node.get("parameters", ())]
    outputs = [
        f"{item.get('name', '')} {type_name(item['argType'])}" for item in parameters if item["mode"] in _OUTPUTS
    ]
    returns = node.get("returnType")
    return Function(
        key=state.object_key(names(node["funcname"])),
        arguments=tuple(type_name(item["argType"]) for item in parameters if item["mode"] not in _NOT_INPUTS),
        names=tuple(item.get("name", "") for item in parameters),
        returns=" ".join([type_name(returns) if returns else "", *outputs]).strip(),
        statement=node,
        origin=Origin(file, statement.start, statement.start),
    )


def _create_function(state: State, statement: Statement, file: LintFile) -> None:
    function = function_of(state, statement, file)
    state.functions.setdefault(function.key, {})[function.arguments] = function


def _create_view(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    schema, name = relation(node["view"])
    columns = tuple(names(node.get("aliases", ()))) or selected_columns(node.get("query", {}).get("SelectStmt", {}))
    key = (schema or "public", name)
    state.views[key] = View(key, columns, Origin(file, statement.start, statement.start))


def _create_type(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    if "typevar" in node:
        schema, name = relation(node["typevar"])
        parts = [schema, name] if schema else [name]
    else:
        parts = names(node["domainname"] if "domainname" in node else node["typeName"])
    state.types.setdefault(state.object_key(parts), file)


def _drop(state: State, statement: Statement, file: LintFile) -> None:
    what = statement.node["removeType"]
    for item in statement.node.get("objects", ()):
        if what == "OBJECT_VIEW":
            state.views.pop(state.object_key(names(item["List"]["items"])), None)
        elif what in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"):
            _drop_function(state, item["ObjectWithArgs"], file)
        elif what == "OBJECT_SCHEMA":
            schema = names([item])[-1]
            for things in (state.views, state.functions):
                for key in [key for key in things if key[0] == schema]:
                    things.pop(key)


def _drop_function(state: State, node: Node, file: LintFile) -> None:
    key = state.object_key(names(node["objname"]))
    state.effects_of(file).dropped_functions.add(key)
    if node.get("args_unspecified"):
        state.functions.pop(key, None)
        return
    types = tuple(type_name(item["TypeName"]) for item in node.get("objargs", ()))
    state.functions.get(key, {}).pop(types, None)


OBJECT_HANDLERS: dict[str, Handler] = {
    "CreateFunctionStmt": _create_function,
    "ViewStmt": _create_view,
    "CreateEnumStmt": _create_type,
    "CreateRangeStmt": _create_type,
    "CreateDomainStmt": _create_type,
    "CompositeTypeStmt": _create_type,
    "DropStmt": _drop,
}

"""The replay of what is no table: views, functions and types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dbkit.lint.files import LintFile
from dbkit.lint.model import Function, Origin, View
from dbkit.lint.state import State
from dbkit.lint.trees import (
    commands,
    constant,
    names,
    option,
    relation,
    role_name,
    selected_columns,
    true_option,
    type_name,
)
from dbkit.parse import Node, Statement

__all__ = ["OBJECT_HANDLERS", "Handler", "function_of"]

Handler = Callable[[State, Statement, LintFile], None]

_OUTPUTS = ("FUNC_PARAM_OUT", "FUNC_PARAM_INOUT", "FUNC_PARAM_TABLE")
_NOT_INPUTS = ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")


def function_of(state: State, statement: Statement, file: LintFile) -> Function:
    """What a CreateFunctionStmt makes; the replay and several rules ask."""
    known: Function | None = statement.memo.get("function")
    if known is not None and known.origin.file is file and known.public is not state.functions_closed:
        return known
    node = statement.node
    parameters = [item["FunctionParameter"] for item in node.get("parameters", ())]
    outputs = [
        f"{item.get('name', '')} {type_name(item['argType'])}" for item in parameters if item["mode"] in _OUTPUTS
    ]
    returns = node.get("returnType")
    made = Function(
        key=state.object_key(names(node["funcname"])),
        arguments=tuple(type_name(item["argType"]) for item in parameters if item["mode"] not in _NOT_INPUTS),
        names=tuple(item.get("name", "") for item in parameters),
        returns=" ".join([type_name(returns) if returns else "", *outputs]).strip(),
        statement=node,
        origin=Origin(file, statement.start, statement.start),
        public=not state.functions_closed,
        **_options(node.get("options", ())),
    )
    statement.memo["function"] = made
    return made


def _options(options: Iterable[Node]) -> dict[str, Any]:
    """The attributes of a Function that the options of CREATE or ALTER FUNCTION set."""
    found: dict[str, Any] = {}
    for item in options:
        element = item["DefElem"]
        name, value = element["defname"], element.get("arg", {})
        if name in ("language", "volatility"):
            found[name] = value["String"]["sval"].lower()
        elif name in ("security", "leakproof"):
            found["definer" if name == "security" else name] = value["Boolean"].get("boolval", False)
        elif name == "set":
            setting = value["VariableSetStmt"]
            if setting["kind"] == "VAR_RESET_ALL" or setting.get("name") == "search_path":
                found["search_path"] = _schemas(setting)
    return found


def _schemas(setting: Node) -> tuple[str, ...] | None:
    if setting["kind"] == "VAR_SET_VALUE":
        return tuple(constant(argument) or "" for argument in setting.get("args", ()))
    return () if setting["kind"] == "VAR_SET_CURRENT" else None


def _create_function(state: State, statement: Statement, file: LintFile) -> None:
    function = function_of(state, statement, file)
    overloads = state.functions.setdefault(function.key, {})
    earlier = overloads.get(function.arguments)
    if earlier is not None:  # its privileges outlive a replacement
        function = function._replace(public=earlier.public)
    _keep(state, function, file)


def _keep(state: State, function: Function, file: LintFile) -> None:
    state.functions[function.key][function.arguments] = function
    state.effects_of(file).functions[function.key, function.arguments] = None


def _named_functions(state: State, node: Node) -> list[Function]:
    """Those an ObjectWithArgs names; all of that name where no arguments are written."""
    overloads = state.functions.get(state.object_key(names(node["objname"])), {})
    types = tuple(type_name(item["TypeName"]) for item in node.get("objargs", ()))
    if not node.get("args_unspecified") and types in overloads:
        return [overloads[types]]
    return list(overloads.values()) if node.get("args_unspecified") or len(overloads) == 1 else []


def _alter_function(state: State, statement: Statement, file: LintFile) -> None:
    changes = _options(statement.node.get("actions", ()))
    origin = Origin(file, statement.start, statement.start)
    for function in _named_functions(state, statement.node["func"]):
        _keep(state, function._replace(**changes, origin=origin), file)


def _grant(state: State, statement: Statement, file: LintFile) -> None:
    """Follow what PUBLIC may execute."""
    node = statement.node
    if statement.tag == "AlterDefaultPrivilegesStmt":
        # In one schema the default can only be widened: EXECUTE for PUBLIC comes from the built-in default.
        if option(node.get("options", ()), "schemas") is None and _is_execute_for_public(node["action"]):
            state.functions_closed = not node["action"].get("is_grant", False)
        return
    if not _is_execute_for_public(node):
        return
    for item in node.get("objects", ()):
        if "ObjectWithArgs" in item:
            found = _named_functions(state, item["ObjectWithArgs"])
        else:
            schema = names([item])[-1]
            found = [one for key, all_of in state.functions.items() if key[0] == schema for one in all_of.values()]
        for function in found:
            state.functions[function.key][function.arguments] = function._replace(public=node.get("is_grant", False))


def _is_execute_for_public(node: Node) -> bool:
    if node.get("objtype") not in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"):
        return False
    privileges = [item["AccessPriv"].get("priv_name", "all") for item in node.get("privileges", ())]
    grantees = [role_name(item["RoleSpec"]) for item in node.get("grantees", ())]
    return "public" in grantees and (not privileges or "execute" in privileges)


def _create_view(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    schema, name = relation(node["view"])
    query = node.get("query", {}).get("SelectStmt", {})
    columns = tuple(names(node.get("aliases", ()))) or selected_columns(query)
    key = (schema or "public", name)
    if node["view"].get("relpersistence") == "t":
        key = ("pg_temp", name)
    options = node.get("options", ())
    state.views[key] = View(
        key,
        columns,
        Origin(file, statement.start, statement.start),
        state.keys_read(query),
        query,
        true_option(options, "security_invoker"),
        true_option(options, "security_barrier"),
    )
    state.effects_of(file).views[key] = None


def _alter_view(state: State, statement: Statement, file: LintFile) -> None:
    schema, name = relation(statement.node["relation"])
    view = state.views.get((schema or "public", name))
    if view is None or statement.node.get("objtype") not in ("OBJECT_VIEW", "OBJECT_TABLE"):
        return
    for command in commands(statement.node):
        if command["subtype"] not in ("AT_SetRelOptions", "AT_ResetRelOptions"):
            continue
        switched_on = command["subtype"] == "AT_SetRelOptions"
        options = command["def"]["List"]["items"]
        if option(options, "security_invoker") is not None:
            view = view._replace(invoker=switched_on and true_option(options, "security_invoker"))
        if option(options, "security_barrier") is not None:
            view = view._replace(barrier=switched_on and true_option(options, "security_barrier"))
    state.views[view.key] = view._replace(origin=Origin(file, statement.start, statement.start))
    state.effects_of(file).views[view.key] = None


def _create_trigger(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    key = state.key(node["relation"])
    state.triggers.setdefault(state.object_key(names(node["funcname"])), []).append(key)
    if key in state.tables:
        state.tables[key].triggers[node["trigname"]] = node


def _create_type(state: State, statement: Statement, file: LintFile) -> None:
    node = statement.node
    if "typevar" in node:
        schema, name = relation(node["typevar"])
        parts = [schema, name] if schema else [name]
    else:
        parts = names(node["domainname"] if "domainname" in node else node["typeName"])
    state.types.setdefault(state.object_key(parts), file)
    if statement.tag == "CreateEnumStmt":
        state.enums.add(state.object_key(parts))
    elif statement.tag == "CreateDomainStmt":
        kinds = {item["Constraint"]["contype"] for item in node.get("constraints", ())}
        constrained = not kinds <= {"CONSTR_DEFAULT", "CONSTR_NULL"}
        state.domains[state.object_key(parts)] = (type_name(node["typeName"]), constrained)
        if "CONSTR_NOTNULL" in kinds and "CONSTR_DEFAULT" not in kinds:
            state.required.add(state.object_key(parts))


def _alter_domain(state: State, statement: Statement, file: LintFile) -> None:
    key = state.object_key(names(statement.node["typeName"]))
    if key in state.domains and statement.node["subtype"] in ("C", "O"):  # ADD CONSTRAINT, SET NOT NULL
        state.domains[key] = (state.domains[key][0], True)


def _drop(state: State, statement: Statement, file: LintFile) -> None:
    what = statement.node["removeType"]
    for item in statement.node.get("objects", ()):
        if what == "OBJECT_VIEW":
            key = state.object_key(names(item["List"]["items"]))
            state.views.pop(key, None)
            state.gone[key] = state.at
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
    "AlterFunctionStmt": _alter_function,
    "GrantStmt": _grant,
    "AlterDefaultPrivilegesStmt": _grant,
    "ViewStmt": _create_view,
    "AlterTableStmt": _alter_view,
    "CreateTrigStmt": _create_trigger,
    "CreateEnumStmt": _create_type,
    "CreateRangeStmt": _create_type,
    "CreateDomainStmt": _create_type,
    "AlterDomainStmt": _alter_domain,
    "CompositeTypeStmt": _create_type,
    "DropStmt": _drop,
}

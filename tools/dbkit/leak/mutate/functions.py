"""Mutants of function bodies and of whose rights they run with.

Only functions that decide something are broken: those that policies and the context statement rest on, and those that
pass row security because they run with their owner's rights. What an invoker function does, row security judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.leak.mutate.conditions import Operand, guards, operands, replaced, tokens
from dbkit.leak.mutate.mutants import Equivalent, Mutant
from dbkit.leak.mutate.reach import Function, Reach

__all__ = ["function_mutants"]

_ASSIGNED = re.compile(r"(\w+)(?:\s+(?:constant\s+)?[\w.]+(?:\[\])?)?\s*(?::=|\bdefault\b)([^;]*)", re.IGNORECASE)
_WRITE = re.compile(r"\b(?:set_config|insert\s+into|update\s+[\w.]+|delete\s+from|truncate)\b", re.IGNORECASE)


def function_mutants(reach: Reach) -> Iterator[Mutant | Equivalent]:
    columns = _isolation_columns(reach)
    with_rights = reach.closure(reach.definers)
    for signature, function in reach.functions.items():
        if _about_caller(reach, function):
            yield Equivalent("a function that says what the caller may do inside the tenant")
        elif signature in reach.guards or signature in with_rights:
            yield from _conditions(reach, function, columns)
            yield from _refusals(reach, function)
            yield from _answers(reach, function)
        if signature in reach.guards:
            yield from _unverified(reach, function)
        yield from _rights(reach, function)


def _about_caller(reach: Reach, function: Function) -> bool:
    """Whether it answers yes or no, or refuses, about the caller alone: it is given no id, and no row hangs on it."""
    if function.returns not in ("boolean", "void") or function.returns_set or function.is_trigger:
        return False
    if function.signature in reach.context_functions or function.signature not in reach.readers:
        return False
    given = function.signature.partition("(")[2].rstrip(")").split(",")
    return set(given) <= {"", "text", "character varying"} and not _decides(reach, function)


def _isolation_columns(reach: Reach) -> set[str]:
    """Names of columns that say whose row it is."""
    model = reach.model
    names = set(model.tenant_columns)
    names |= {name for columns in model.user_columns.values() for name in columns}
    names |= {table.column for scope in model.scopes for table in scope.tables.values() if table.column}
    if model.memberships:
        names |= {model.memberships.tenant_column, model.memberships.user_column}
    # A key that is merely called id says nothing by its name.
    return names - {"id"}


def _edited(function: Function, start: int, end: int, by: str) -> str | None:
    """The CREATE statement with a part of the body replaced; None where the body is not found in it."""
    at = function.definition.rfind(function.body)
    if at < 0:
        return None
    return replaced(function.definition, at + start, at + end, by)


def _mutant(reach: Reach, name: str, function: Function, statement: str) -> Mutant:
    behind = reach.behind(function.signature)
    return Mutant(
        name,
        (statement,),
        tables=reach.tables_behind(behind),
        fired=reach.fired_by(behind),
        routines=frozenset(reach.functions[signature].oid for signature in behind),
        everywhere=function.signature in reach.context_functions,
    )


def _body_mutant(reach: Reach, operator: str, function: Function, text: str, edited: str | None) -> Iterator[Mutant]:
    if edited is not None:
        label = " ".join(text.split())
        yield _mutant(reach, f"{operator} {function.signature}: {label[:120]}", function, edited)


def _conditions(reach: Reach, function: Function, columns: set[str]) -> Iterator[Mutant | Equivalent]:
    """Each operand that filters by tenant or user, or asks the context, replaced by true."""
    told = _told(reach, function)
    for operand in operands(function.body):
        if operand.narrows and _filters(reach, operand, columns, told):
            yield Equivalent("a condition of a NOT EXISTS that filters rows: without it fewer pass")
        elif _filters(reach, operand, columns, told):
            # What refuses must not, what lets through must.
            neutral = "false" if operand.opener == "if" and _refuses(reach, operand.branch) else "true"
            if operand.dynamic:
                # format() counts its placeholders, so they stay.
                neutral = f"({operand.text} or true)"
            edited = _edited(function, operand.start, operand.end, neutral)
            yield from _body_mutant(reach, "without-condition", function, operand.text, edited)


def _told(reach: Reach, function: Function) -> set[str]:
    """Variables that hold what the context says."""
    return {name.lower() for name, value in _ASSIGNED.findall(function.body) if reach.named_in([value]) & reach.readers}


def _refuses(reach: Reach, branch: str) -> bool:
    return any(
        text.lower().startswith("raise") or any(_raises(reach, name) for name in reach.named_in([text]))
        for _, _, text in guards(branch)
    )


def _filters(reach: Reach, operand: Operand, columns: set[str], told: set[str]) -> bool:
    words = {token.text.strip('"').lower() for token in tokens(operand.text)}
    if operand.opener == "if":
        return bool(words & told or reach.named_in([operand.text]) & (reach.readers | reach.guards))
    if words & (columns | told | {"current_setting"}) or reach.named_in([operand.text]) & reach.readers:
        return True
    # A column that is put in when it runs may be any, the tenant's included.
    return operand.dynamic and "%I" in operand.text


def _refusals(reach: Reach, function: Function) -> Iterator[Mutant]:
    """Statements that refuse, removed: every one in what sets the context, elsewhere those that ask the context."""
    if function.language != "plpgsql" or function.is_trigger:
        return
    in_context = function.signature in reach.context_functions
    for start, end, text in guards(function.body):
        called = reach.named_in([text])
        if any(_writes(reach, name) for name in called):
            continue  # it does more than refuse: without it there is less, not more
        refuses = in_context and (text.lower().startswith("raise") or any(_raises(reach, name) for name in called))
        if refuses or any(_raises(reach, name) and name in reach.readers for name in called):
            yield from _body_mutant(reach, "without-refusal", function, text, _edited(function, start, end, "null"))


def _raises(reach: Reach, signature: str) -> bool:
    """Whether the function, or one it calls, raises."""
    return any("raise" in reach.functions[name].body.lower() for name in reach.closure([signature]))


def _writes(reach: Reach, signature: str) -> bool:
    """Whether the function, or one it calls, sets a setting or changes rows."""
    return any(_WRITE.search(reach.functions[name].body) for name in reach.closure([signature]))


def _answers(reach: Reach, function: Function) -> Iterator[Mutant]:
    """A function that says yes or no about the context says yes."""
    if function.returns != "boolean" or function.returns_set or function.is_trigger:
        return
    if function.signature not in reach.readers or not _decides(reach, function):
        return
    yield from _whole_body(reach, function, "answers-true", "true", "true")


def _decides(reach: Reach, function: Function) -> bool:
    """Whether rows or the context depend on the answer: a reader of the context asks it, or a policy about a row.

    What is asked about the caller alone is a right inside the tenant.
    """
    for signature in reach.guards:
        caller = reach.functions[signature]
        if function.signature in reach.called[signature] and caller.returns not in ("boolean", "void", "trigger"):
            return True
    for table in reach.protected():
        for policy in table.policies:
            for operand in operands(f"where {policy.using or 'true'} and {policy.check or 'true'}"):
                words = {token.text.strip('"') for token in tokens(operand.text)}
                if function.signature in reach.named_in([operand.text]) and words & set(table.columns):
                    return True
    return False


def _unverified(reach: Reach, function: Function) -> Iterator[Mutant | Equivalent]:
    """A reader of the context returns what the setting holds, without looking whether it was verified."""
    if function.returns in ("boolean", "void", "record") or function.returns_set or function.argument_count:
        return
    settings = [name for name in reach.model.relations.settings if f"'{name}'" in function.body]
    if all(scope.trusts_settings for scope in reach.model.scopes):
        if settings:
            yield Equivalent("a reader of settings that are believed as they are set")
        return
    for setting in settings:
        value = f"nullif(current_setting('{setting}', true), '')::{function.returns}"
        yield from _whole_body(reach, function, "unverified", setting, value)


def _whole_body(reach: Reach, function: Function, operator: str, label: str, value: str) -> Iterator[Mutant]:
    body = f"begin return {value}; end" if function.language == "plpgsql" else f"select {value}"
    if function.body.lower().startswith(("return", "begin atomic")) and function.language == "sql":
        body = f"return {value}"
    yield from _body_mutant(reach, operator, function, label, _edited(function, 0, len(function.body), body))


def _rights(reach: Reach, function: Function) -> Iterator[Mutant | Equivalent]:
    """An invoker function given its owner's rights: row security no longer judges what it reads."""
    if function.definer:
        yield Equivalent("definer to invoker: only takes rights away")
        return
    if function.is_trigger or not function.callers:
        return
    bodies = [reach.functions[name].body for name in reach.closure([function.signature])]
    names = {table.name for table in reach.protected()}
    words = {token.text.strip('"') for body in bodies for token in tokens(body)}
    if not words & names and not any(
        True for body in bodies for token in tokens(body) if token.text.lower() == "execute"
    ):
        yield Equivalent("invoker to definer of a function that touches no tenant's table")
        return
    yield _mutant(reach, f"definer {function.signature}", function, f"alter routine {function.sql} security definer")

"""A user written out in a context statement: `select app.switch_tenant('bob', {tenant})` stands for every user.

Taken as it is written, everybody would be that one user, and a switch that never asks who belongs where would hold. So
a constant beside {tenant}, given to a function of the database for a parameter that is named like a user, is {user}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dbkit.tenancy.declaration import Scope

__all__ = ["Parameters", "with_user_for_constants"]

# function -> names of the input parameters of each overload
Parameters = Mapping[str, tuple[tuple[str, ...], ...]]

_USER_PARAMETER = re.compile(
    r"(?:p|in|v|a|arg|new)?_?(?:current_|acting_|app_|auth_)?(?:user|member|person|actor|subject|sub|login|uid|username)"
    r"(?:_?(?:id|uuid|key|name))?",
    re.IGNORECASE,
)
# As long as what they stand for, so that places stay.
_STAND_INS = {"{tenant}": "'tenant'", "{token}": "'token'"}
_CONSTANTS = ("SCONST", "ICONST", "FCONST")


def with_user_for_constants(scope: Scope, parameters: Parameters) -> tuple[Scope, list[tuple[str, str]]]:
    """The scope with {user} in place of such constants, and what was replaced: the constant and its parameter."""
    if not scope.names_tenant or scope.names_user:
        return scope, []
    found: list[tuple[str, str]] = []
    context = []
    for statement in scope.context:
        for start, end, parameter in reversed(list(_constants(statement, parameters))):
            found.append((statement[start:end], parameter))
            statement = statement[:start] + "{user}" + statement[end:]
        context.append(statement)
    return replace(scope, context=tuple(context)), found


def _constants(statement: str, parameters: Parameters) -> Iterator[tuple[int, int, str]]:
    """Start and end of each constant, and the parameter it is given for."""
    from pglast.parser import ParseError, scan

    text = statement
    for placeholder, stand_in in _STAND_INS.items():
        text = text.replace(placeholder, stand_in)
    try:
        tokens = scan(text)
    except ParseError:
        return  # the server will say what is wrong with it
    words = [text[token.start : token.end + 1] for token in tokens]
    for opening in (number for number, word in enumerate(words) if word == "(" and number):
        qualified = words[opening - 2 : opening - 1] == ["."]
        name = ".".join(words[opening - 3 : opening : 2]) if qualified else words[opening - 1]
        for position, argument in enumerate(_arguments(words, opening)):
            constants = [tokens[number] for number in argument if tokens[number].name in _CONSTANTS]
            given = [words[number] for number in argument]
            parameter = _user_parameter(name, given, position, parameters)
            if parameter is None or len(constants) != 1 or "(" in given:
                continue
            start, end = constants[0].start, constants[0].end + 1
            if statement[start:end] == text[start:end]:
                yield start, end, f"{name}({parameter})"


def _user_parameter(name: str, given: list[str], position: int, parameters: Parameters) -> str | None:
    """The parameter that an argument of a call is for, where that is named like a user."""
    overloads = [names for known, each in parameters.items() if f".{known}".endswith(f".{name}") for names in each]
    if len(given) > 1 and given[1] in ("=>", ":="):
        wanted = {given[0]} & {each for names in overloads for each in names}
    else:
        wanted = {names[position] for names in overloads if position < len(names)}
    return next((each for each in sorted(wanted) if _USER_PARAMETER.fullmatch(each)), None)


def _arguments(words: list[str], opening: int) -> list[list[int]]:
    """The numbers of the words of each argument behind an opening parenthesis."""
    depth = 0
    found: list[list[int]] = [[]]
    for number in range(opening + 1, len(words)):
        if words[number] == ")" and not depth:
            break
        depth += (words[number] in "([") - (words[number] in ")]")
        if words[number] == "," and not depth:
            found.append([])
        else:
            found[-1].append(number)
    return [argument for argument in found if argument]

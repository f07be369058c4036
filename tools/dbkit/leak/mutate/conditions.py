"""Find the conditions in SQL and PL/pgSQL text, and the operands they are joined of, by PostgreSQL's own lexer.

A mutant is the same text with one operand replaced by `true`. Places are found by tokens and not by a tree, so that
one finder serves queries, PL/pgSQL with its variables and INTO, and the SQL inside strings that EXECUTE runs; all else
stays as it was written, and the server compiles the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = ["Call", "Operand", "Token", "calls", "guards", "operands", "replaced", "tokens"]

_OPENERS = {"where": "where", "on": "on", "having": "having", "if": "if", "elsif": "if"}
# What ends a condition at its own depth.
_ENDS = re.compile(
    "GROUP_P|ORDER|LIMIT|RETURNING|HAVING|UNION|EXCEPT|INTERSECT|FOR|WINDOW|OFFSET|FETCH|JOIN|LEFT|RIGHT|INNER_P|CROSS"
    "|FULL|NATURAL|WHERE|INTO|DO|THEN|WHEN|ON|ASCII_59"
)
_OPEN, _CLOSE = ("ASCII_40", "ASCII_91"), ("ASCII_41", "ASCII_93")
_QUERY_WORDS = ("select", "update", "delete", "insert", "with", "merge")


@dataclass(frozen=True, slots=True)
class Token:
    """One token: `text` as written, places in characters, `end` just behind it."""

    name: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand of a condition.

    Attributes:
        opener: where, on, having or if.
        joined: "and", "or", or "" where the condition has no other operand.
        dynamic: it stands in a string that is run later.
        branch: what an `if` does where the condition holds.
        narrows: without it fewer rows pass: it stands in the sub-select of a NOT EXISTS that filters rows.
    """

    text: str
    start: int
    end: int
    opener: str
    joined: str
    dynamic: bool = False
    branch: str = ""
    narrows: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function called by name; `schema` is empty where none is written."""

    schema: str
    name: str
    start: int


def tokens(text: str, *, shift: int = 0) -> list[Token]:
    """The tokens of a text without its comments; none where the lexer refuses it."""
    from pglast.parser import ParseError, scan

    try:
        found = scan(text)
    except ParseError:
        return []
    return [
        Token(token.name, text[token.start : token.end + 1], token.start + shift, token.end + 1 + shift)
        for token in found
        if token.name not in ("SQL_COMMENT", "C_COMMENT")
    ]


def replaced(text: str, start: int, end: int, by: str) -> str:
    return text[:start] + by + text[end:]


def operands(text: str, *, shift: int = 0, dynamic: bool = False) -> Iterator[Operand]:
    """Every operand of every condition, those in parentheses, sub-selects and quoted SQL included."""
    found = tokens(text, shift=shift)
    for number, token in enumerate(found):
        opener = _OPENERS.get(token.text.lower())
        follows = found[number + 1].name if number + 1 < len(found) else ""
        # Not conditions: ON CONFLICT, ON DELETE, END IF, and the like.
        if opener and follows != "CONFLICT" and not (number and found[number - 1].name == "END_P"):
            region = _region(found, number + 1)
            branch = _branch(text, shift, found[number + 1 + len(region) :]) if opener == "if" else ""
            for operand in _split(text, shift, region, opener, dynamic):
                yield replace(operand, branch=branch, narrows=_narrows(found, number))
        if token.name == "SCONST":
            yield from _quoted(token)


def _narrows(found: list[Token], number: int) -> bool:
    """Whether the condition at `number` belongs to a NOT EXISTS or NOT IN that filters rows, and not to a guard."""
    depth, negated = 0, False
    for at in range(number - 1, 0, -1):
        token = found[at]
        depth += (token.name in _CLOSE) - (token.name in _OPEN)
        if depth >= 0:
            continue
        depth = 0
        if token.name in _OPEN and found[at - 1].name in ("EXISTS", "IN_P"):
            negated ^= found[at - 2].name in ("NOT", "NOT_LA")
    if not negated:
        return False
    before = [token.text.lower() for token in found[:number]]
    outer = [at for at, word in enumerate(before) if word in ("if", "elsif", ";")]
    start = outer[-1] if outer else 0
    return before[start] not in ("if", "elsif")


def _branch(text: str, shift: int, found: list[Token]) -> str:
    """What stands between THEN and the next ELSE, ELSIF or END."""
    for token in found:
        if token.text.lower() in ("else", "elsif", "elseif", "end"):
            return text[found[0].end - shift : token.start - shift]
    return ""


def _region(found: list[Token], begin: int) -> list[Token]:
    """The tokens from `begin` to the end of the condition that starts there."""
    depth = 0
    for number in range(begin, len(found)):
        name = found[number].name
        if name in _CLOSE or (name == "END_P" and depth):
            depth -= 1
            if depth < 0:
                return found[begin:number]
        elif name in _OPEN or name == "CASE":
            depth += 1
        elif (
            depth == 0
            and (_ENDS.fullmatch(name) or found[number].text.lower() == "loop")
            and not _is_call(found, number)
        ):
            return found[begin:number]
    return found[begin:]


def _is_call(found: list[Token], number: int) -> bool:
    """`left(…)` and `right(…)` are functions, too."""
    return found[number].name in ("LEFT", "RIGHT") and found[number + 1].name == "ASCII_40"


def _split(text: str, shift: int, region: list[Token], opener: str, dynamic: bool) -> Iterator[Operand]:
    """The operands at the top of a condition; in place of a parenthesis that AND joins, the operands in it."""
    parts, words = _top_operands(region)
    for number, part in enumerate(parts):
        if not part:
            continue
        beside = set(words[max(number - 1, 0) : number + 1])
        joined = "and" if "and" in beside else "or" if beside else ""
        start, end = part[0].start, part[-1].end
        inner = part[1:-1]
        nested = part[0].name == "ASCII_40" and inner == _region(part, 1) and part[1].name not in ("SELECT", "WITH")
        within = _top_operands(inner)[1] if nested else []
        if "and" not in within:
            yield Operand(text[start - shift : end - shift], start, end, opener, joined, dynamic)
        if within:
            yield from _split(text, shift, inner, opener, dynamic)


def _top_operands(region: list[Token]) -> tuple[list[list[Token]], list[str]]:
    """The region cut at its own AND and OR, and those words."""
    parts: list[list[Token]] = [[]]
    words: list[str] = []
    depth, between = 0, False
    for token in region:
        if token.name in _OPEN or token.name == "CASE":
            depth += 1
        elif token.name in _CLOSE or token.name == "END_P":
            depth -= 1
        elif depth == 0 and token.name == "BETWEEN":
            between = True
        elif depth == 0 and token.name == "AND" and between:
            between = False
        elif depth == 0 and token.name in ("AND", "OR"):
            words.append(token.text.lower())
            parts.append([])
            continue
        parts[-1].append(token)
    return parts, words


def _quoted(token: Token) -> Iterator[Operand]:
    """Conditions of SQL written in a string."""
    if token.text.startswith("$"):
        quote = token.text[: token.text.index("$", 1) + 1]
    elif token.text.startswith("'") and "''" not in token.text:
        quote = "'"
    else:
        return
    inner = token.text[len(quote) : -len(quote)]
    if inner.split() and inner.split()[0].lower() in _QUERY_WORDS:
        yield from operands(inner, shift=token.start + len(quote), dynamic=True)


def calls(text: str) -> Iterator[Call]:
    """Every `name(` and `schema.name(` in a text."""
    found = tokens(text)
    for number, token in enumerate(found[:-1]):
        if found[number + 1].name != "ASCII_40" or not _is_name(token):
            continue
        qualified = number >= 2 and found[number - 1].name == "ASCII_46" and _is_name(found[number - 2])
        schema = _plain(found[number - 2]) if qualified else ""
        yield Call(schema, _plain(token), token.start)


def guards(text: str) -> Iterator[tuple[int, int, str]]:
    """Statements of a PL/pgSQL block that may refuse: `perform f(…);` and `raise …;` as (start, end, text)."""
    found = tokens(text)
    for number, token in enumerate(found):
        word = token.text.lower()
        if word not in ("perform", "raise"):
            continue
        level = found[number + 1].text.lower() if number + 1 < len(found) else ""
        if word == "raise" and level in ("notice", "warning", "info", "log", "debug"):
            continue
        if word == "perform" and not any(call.start == 0 for call in _leading_calls(text, found, number + 1)):
            continue
        depth = 0
        for later in found[number:]:
            depth += (later.name in _OPEN) - (later.name in _CLOSE)
            if later.name == "ASCII_59" and depth == 0:
                yield token.start, later.start, text[token.start : later.start]
                break


def _leading_calls(text: str, found: list[Token], number: int) -> Iterator[Call]:
    """The call that `perform` begins with, at offset 0; none where it is a query over tables."""
    if number < len(found) and _is_name(found[number]):
        first = next(calls(text[found[number].start :]), None)
        if first is not None and first.start <= len(found[number].text) + 1:
            yield Call(first.schema, first.name, 0)


def _is_name(token: Token) -> bool:
    """A word that can name a function: an identifier or a keyword that is not reserved."""
    return token.name == "IDENT" or (token.text[0].isalpha() and not _RESERVED.fullmatch(token.name))


def _plain(token: Token) -> str:
    return token.text[1:-1].replace('""', '"') if token.text.startswith('"') else token.text.lower()


_RESERVED = re.compile(
    "SELECT|FROM|WHERE|AND|OR|NOT|IN_P|EXISTS|ON|AS|USING|VALUES|SET|INTO|CASE|WHEN|THEN|ELSE|END_P|ANY|ALL|ARRAY|ROW"
    "|WITH|UNION|EXCEPT|INTERSECT|RETURNING|HAVING|BY|COALESCE|NULLIF|CAST|GREATEST|LEAST|IF_P"
)

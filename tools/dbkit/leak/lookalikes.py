"""Keys that a careless comparison takes for another: the victims that policies with partial compares let through."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["begins_with_caller", "lookalikes", "stranger", "wildcards"]

_INTEGERS = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1, "numeric": 10**18}
_TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "name"})
_ACCENTS = str.maketrans("aeiou", "áéíóú")
_HEX = "0123456789abcdef"


def lookalikes(key: str, base: str, length: int | None = None) -> Iterator[tuple[str, str]]:
    """Keys of other tenants that resemble `key`, each with a word on how.

    Args:
        base: name of the base type, e.g. `uuid`.
        length: length limit of the column, None without one.
    """
    for how, other in dict(_by_type(key, base)).items():
        if other != key and other and (length is None or len(other) <= length):
            yield how, other


def begins_with_caller(text: str, column: str) -> bool:
    """Whether a policy, as pg_get_expr writes it, admits rows whose column begins with something of the caller's."""
    name = rf"\(*{re.escape(column)}\b\)?(?:::\w+)?"
    return re.search(rf"\bstarts_with\({name}\s*,|{name} ~~ \(+[^']*\|\|", text) is not None


def wildcards(key: str, base: str) -> Iterator[tuple[str, str]]:
    """Keys that, read as a LIKE pattern, match `key`."""
    if base in _TEXTS and len(key) > 1:
        yield "with _ for a letter", f"{key[0]}_{key[2:]}"
        yield "with % behind a letter", f"{key[0]}%"


def stranger(key: str, base: str) -> str:
    """A key that has nothing in common with `key`: what no policy may admit by mistake."""
    if base == "uuid":
        return re.sub(r"[0-9a-f]", lambda digit: _HEX[(_HEX.index(digit[0]) + 7) % 16], key)
    digit = next((digit for digit in "7394815260" if digit not in key), "7")
    if base in _INTEGERS:
        return digit * min(len(key) + 2, 4)
    return "".join(letter for letter in "zqxjkvwy" if letter not in key.lower()) + digit * 3


def _by_type(key: str, base: str) -> Iterator[tuple[str, str]]:
    if base == "uuid" and re.fullmatch(r"[0-9a-f-]{36}", key):
        yield "differing in the last digit", key[:-1] + _next(key[-1])
        yield "differing in the first digit", _next(key[0]) + key[1:]
    elif base in _INTEGERS and key.isdigit():
        for how, text in (
            ("that begins with it", f"{key}0"),
            ("that ends in it", f"1{key}"),
            ("it begins with", key[:-1]),
            ("it ends in", key[1:]),
        ):
            if text and 0 < int(text) <= _INTEGERS[base]:
                yield how, str(int(text))
    elif base in _TEXTS:
        yield "that begins with it", f"{key}x"
        yield "that goes on after a dash", f"{key}-x"
        yield "that ends in it", f"x{key}"
        yield "it begins with", key[:-1]
        yield "it ends in", key[1:]
        yield "in capitals", key.upper()
        yield "in small letters", key.lower()
        yield "with a blank behind it", f"{key} "
        yield "with accents", key.translate(_ACCENTS)


def _next(digit: str) -> str:
    return _HEX[(_HEX.index(digit) + 1) % 16]

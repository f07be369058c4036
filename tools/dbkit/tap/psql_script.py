"""What a psql script says before it runs: its text, its backslash commands, and which of them only psql carries out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from dbkit.sqltext import Statement, split
from dbkit.tap.psql_variables import NeedsPsql, PsqlError, parse_bool

__all__ = [
    "BRANCHING",
    "COMMAND",
    "CREATE_PGTAP",
    "NATIVE",
    "SENDING",
    "Branches",
    "command_name",
    "creates_pgtap",
    "read_sql",
    "refuse_foreign",
    "sent_by_command",
    "statements_of",
]

COMMAND = re.compile(r"\\([^\s\\]*)(.*)", re.DOTALL)
SENDING = {"g", "gx", "gset"}
BRANCHING = {"if", "elif", "else", "endif"}
NATIVE = {
    *SENDING, *BRANCHING, "set", "unset", "pset", "echo", "qecho", "warn", "i", "include", "ir", "include_relative",
    "timing", "x", "t", "a", "f", "q", "quit", "encoding", "getenv",
}  # fmt: skip
CREATE_PGTAP = re.compile(r'create\s+extension\s+(?P<lenient>if\s+not\s+exists\s+)?"?pgtap"?(?:\s|;|$)', re.IGNORECASE)


def read_sql(path: Path) -> str:
    """A file's text. Bytes that are not UTF-8 survive the way to the server unchanged."""
    return path.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")


@lru_cache(maxsize=64)
def statements_of(text: str) -> tuple[Statement, ...]:
    """A script's statements; remembered, because a file is first read for its isolation and then run."""
    return tuple(split(text, psql=True))


def command_name(text: str) -> str:
    """Name of a backslash command: "set" for `\\set x 1`."""
    match = COMMAND.match(text)
    return match[1] if match else ""


def creates_pgtap(text: str) -> bool:
    """Does a file create the extension itself, as the first to do so?"""
    found = CREATE_PGTAP.search(text)
    return found is not None and found["lenient"] is None


class Branches:
    r"""The `\if` stack of one file: for each level, does its current branch run, and has one run already."""

    def __init__(self) -> None:
        self._levels: list[tuple[bool, bool, bool]] = []  # (parent active, branch active, a branch was taken)

    @property
    def active(self) -> bool:
        return not self._levels or self._levels[-1][1]

    @property
    def depth(self) -> int:
        return len(self._levels)

    def command(self, name: str, words: list[str], complain: Callable[[str], None]) -> None:
        if name == "if":
            parent = self.active
            holds = parent and _condition(name, words, complain)
            self._levels.append((parent, holds, holds))
            return
        if not self._levels:
            raise PsqlError(f"\\{name}: no matching \\if")
        parent, _, taken = self._levels[-1]
        if name == "endif":
            self._levels.pop()
        elif name == "else":
            self._levels[-1] = (parent, parent and not taken, True)
        else:
            holds = parent and not taken and _condition(name, words, complain)
            self._levels[-1] = (parent, holds, taken or holds)


def _condition(name: str, words: list[str], complain: Callable[[str], None]) -> bool:
    text = " ".join(words)
    meaning = parse_bool(text)
    if meaning is None:
        complain(f'error: unrecognized value "{text}" for "\\{name} expression": Boolean expected')
    return bool(meaning)


def refuse_foreign(statements: Sequence[Statement]) -> None:
    """Before anything has run: is there a command that only psql does?"""
    for number, statement in enumerate(statements):
        if statement.kind != "meta":
            continue
        name = command_name(statement.text)
        if name not in NATIVE:
            raise NeedsPsql(f"\\{name}")
        following = statements[number + 1] if number + 1 < len(statements) else None
        if following is not None and following.kind == "sql" and following.offset < statement.offset:
            raise NeedsPsql(f"\\{name} inside a statement")


def sent_by_command(statements: Sequence[Statement], number: int) -> bool:
    """Does the next command (`\\gset`) send this statement?"""
    if statements[number].terminated or number + 1 >= len(statements):
        return False
    following = statements[number + 1]
    return following.kind == "meta" and command_name(following.text) in SENDING

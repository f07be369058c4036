"""psql's variables and the words of a backslash command: what the native engine must read exactly as psql does."""

from __future__ import annotations

import re
from collections.abc import Callable

from dbkit.errors import DbkitError

__all__ = ["NeedsPsql", "PsqlError", "Variables", "arguments", "interpolate", "parse_bool"]

_REFERENCE = r""":\{\?(?P<test>\w+)\} | :'(?P<literal>\w+)' | :"(?P<identifier>\w+)" | :(?P<plain>\w+)"""
_SQL_TOKEN = re.compile(
    rf"""
      (?P<quoted>--[^\n]* | [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z)
        | (?P<tag>\$(?:[A-Za-z_\x80-\U0010ffff][\w]*)?\$).*?(?:(?P=tag)|\Z))
    | (?P<block>/\*)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$]*)
    | (?P<operator>::|:=)
    | {_REFERENCE}
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_MAY_REFER = re.compile(r""":[\w'"{]""")
_ARGUMENT_REFERENCE = re.compile(_REFERENCE, re.VERBOSE)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", "r": "\r", "f": "\f"}

# Variables that steer psql, with what `\set NAME` (no value) and `\unset NAME` make of them.
_SWITCHES = (
    "AUTOCOMMIT",
    "ON_ERROR_STOP",
    "QUIET",
    "SINGLELINE",
    "SINGLESTEP",
    "HIDE_TABLEAM",
    "HIDE_TOAST_COMPRESSION",
)
_ECHO = ("all", "errors", "none", "queries")
_DEFAULTS = {
    "AUTOCOMMIT": "on",
    "COMP_KEYWORD_CASE": "preserve-upper",
    "ECHO": "none",
    "ECHO_HIDDEN": "off",
    "FETCH_COUNT": "0",
    "HIDE_TABLEAM": "off",
    "HIDE_TOAST_COMPRESSION": "off",
    "HISTCONTROL": "none",
    "HISTSIZE": "500",
    "IGNOREEOF": "0",
    "ON_ERROR_ROLLBACK": "off",
    "ON_ERROR_STOP": "on",
    "PROMPT1": "%/%R%x%# ",
    "PROMPT2": "%/%R%x%# ",
    "PROMPT3": ">> ",
    "QUIET": "on",
    "SHOW_ALL_RESULTS": "on",
    "SHOW_CONTEXT": "errors",
    "SINGLELINE": "off",
    "SINGLESTEP": "off",
    "VERBOSITY": "default",
    "ERROR": "false",
    "SQLSTATE": "00000",
    "ROW_COUNT": "0",
    "LAST_ERROR_MESSAGE": "",
    "LAST_ERROR_SQLSTATE": "00000",
}


class NeedsPsql(Exception):
    """The file uses something only psql itself does; the message says what."""


class PsqlError(Exception):
    """A backslash command failed, as psql would say it on standard error."""


def parse_bool(value: str | None) -> bool | None:
    """psql's reading of on/off, true/false, yes/no, 1/0 and their unambiguous beginnings; None for anything else."""
    text = (value or "").lower()
    if not text:
        return None
    for word, meaning, shortest in (
        ("true", True, 1), ("false", False, 1), ("yes", True, 1), ("no", False, 1), ("on", True, 2), ("off", False, 2),
    ):  # fmt: skip
        if word.startswith(text) and len(text) >= shortest:
            return meaning
    return {"1": True, "0": False}.get(text)


class Variables:
    """psql's variables of one run, with the rules of those that steer psql itself."""

    def __init__(self, initial: dict[str, str] | None = None) -> None:
        self.values: dict[str, str] = {**_DEFAULTS, **(initial or {})}
        self.error_stop = True
        self.error_rollback = False
        self.quiet = True

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def set(self, name: str, value: str) -> None:
        r"""`\set name value`. Raises PsqlError for a value psql refuses, NeedsPsql for a mode only psql has."""
        if not re.fullmatch(r"[\w\x80-\U0010ffff]+", name):
            raise PsqlError(f'invalid variable name: "{name}"')
        if name in _SWITCHES:
            value = value or "on"
            if parse_bool(value) is None:
                raise PsqlError(f'unrecognized value "{value}" for "{name}": Boolean expected')
        elif name == "ON_ERROR_ROLLBACK":
            value = value or "on"
            if value.lower() != "interactive" and parse_bool(value) is None:
                raise PsqlError(f'unrecognized value "{value}" for "{name}"')
        elif name == "ECHO" and value.lower() not in _ECHO:
            raise PsqlError(f'unrecognized value "{value}" for "ECHO"')
        self.values[name] = value
        self._steer(name)

    def unset(self, name: str) -> None:
        r"""`\unset name`; a variable that steers psql goes back to its default."""
        if name in _SWITCHES or name == "ON_ERROR_ROLLBACK":
            self.values[name] = "off"
        elif name in ("ECHO", "FETCH_COUNT", "SHOW_CONTEXT", "VERBOSITY", "ECHO_HIDDEN"):
            self.values[name] = _DEFAULTS[name]
        else:
            self.values.pop(name, None)
        self._steer(name)

    def _steer(self, name: str) -> None:
        value = self.values.get(name, "")
        if name == "ON_ERROR_STOP":
            self.error_stop = bool(parse_bool(value))
        elif name == "ON_ERROR_ROLLBACK":
            self.error_rollback = bool(parse_bool(value))  # "interactive" is off in a file
        elif name == "QUIET":
            self.quiet = bool(parse_bool(value))
        elif name == "ECHO" and value.lower() in ("all", "queries"):
            raise NeedsPsql(f"\\set ECHO {value}")
        elif name == "AUTOCOMMIT" and not parse_bool(value):
            raise NeedsPsql(f"\\set AUTOCOMMIT {value}")
        elif name in ("SINGLELINE", "SINGLESTEP") and parse_bool(value):
            raise NeedsPsql(f"\\set {name} {value}")
        elif name == "SHOW_ALL_RESULTS" and parse_bool(value) is False:
            raise NeedsPsql(f"\\set SHOW_ALL_RESULTS {value}")


def interpolate(sql: str, variables: Variables, quote: Callable[[str, str], str]) -> str:
    """Replace :name, :'name', :"name" and :{?name} outside quotes and comments.

    Args:
        sql: one statement.
        variables: values; a name without one is left as it stands.
        quote: called with "literal" or "identifier" and the value, gives it quoted for the server.
    """
    if not _MAY_REFER.search(sql):
        return sql
    parts: list[str] = []
    at = 0
    while at < len(sql):
        token = _SQL_TOKEN.match(sql, at)
        if token is None:
            raise DbkitError("cannot read SQL for psql variables", detail=f"{sql[at : at + 40]!r}.")
        end = _block_end(sql, token.end()) if token.lastgroup == "block" else token.end()
        replaced = _replacement(token, variables, quote)
        parts.append(sql[at:end] if replaced is None else replaced)
        at = end
    return "".join(parts)


def arguments(text: str, variables: Variables, quote: Callable[[str, str], str]) -> tuple[list[str], str]:
    """The words after a backslash command and what follows them.

    Args:
        text: the line behind the command's name.

    Returns:
        The words with quotes read and variables replaced, and the rest of the line from the next backslash on (a
        second command), empty when there is none.
    """
    words: list[str] = []
    at, size = 0, len(text)
    while True:
        while at < size and text[at].isspace():
            at += 1
        if at >= size or text[at] == "\\":
            return words, text[at:]
        word, at = _word(text, at, variables, quote)
        words.append(word)


def _word(text: str, at: int, variables: Variables, quote: Callable[[str, str], str]) -> tuple[str, int]:
    parts: list[str] = []
    while at < len(text) and not text[at].isspace() and text[at] != "\\":
        char = text[at]
        if char == "'":
            part, at = _single_quoted(text, at + 1)
        elif char == '"':
            closing = text.find('"', at + 1)
            if closing < 0:
                raise PsqlError("unterminated quoted string")
            part, at = text[at : closing + 1], closing + 1
        elif char == "`":
            raise NeedsPsql("a command in backticks")
        elif char == ":" and (reference := _ARGUMENT_REFERENCE.match(text, at)):
            replaced = _replacement(reference, variables, quote)
            part, at = reference.group() if replaced is None else replaced, reference.end()
        else:
            part, at = char, at + 1
        parts.append(part)
    return "".join(parts), at


def _single_quoted(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    while at < len(text):
        char = text[at]
        if char == "'":
            if text.startswith("''", at):
                parts.append("'")
                at += 2
                continue
            return "".join(parts), at + 1
        if char == "\\" and at + 1 < len(text):
            escape = re.match(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", text[at:], re.DOTALL)
            assert escape is not None
            if escape[1]:
                parts.append(chr(int(escape[1], 16)))
            elif escape[2]:
                parts.append(chr(int(escape[2], 8) & 0xFF))
            else:
                parts.append(_ESCAPES.get(escape[3], escape[3]))
            at += escape.end()
            continue
        parts.append(char)
        at += 1
    raise PsqlError("unterminated quoted string")


def _replacement(token: re.Match[str], variables: Variables, quote: Callable[[str, str], str]) -> str | None:
    """What stands for a variable reference; None to leave the token as it is."""
    groups = token.groupdict()
    if groups["test"] is not None:
        return "TRUE" if variables.get(groups["test"]) is not None else "FALSE"
    for form in ("literal", "identifier", "plain"):
        if groups[form] is not None:
            value = variables.get(groups[form])
            if value is None:
                return None
            return value if form == "plain" else quote(form, value)
    return None


def _block_end(sql: str, at: int) -> int:
    depth = 1
    while depth:
        edge = _BLOCK_EDGE.search(sql, at)
        if edge is None:
            return len(sql)
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
    return at

"""Split SQL text into statements the way psql does, without parsing it.

The runner that applies a migration, the pgTAP engine and the linter's fall-back all need to know where a statement
begins and ends in files that no parser accepts whole (psql commands, COPY data, a syntax error further down). The
rules are psql's own: a semicolon ends a statement unless it stands in a string, a comment, parentheses or a
`begin atomic … end` body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from dbkit.patterns import lazy_pattern

__all__ = ["Statement", "code_frame", "frame", "identifier", "literal", "position", "split"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement or psql command of a file.

    Attributes:
        text: from its first token up to, without, its semicolon; a psql command with its backslash.
        line: line of the first token, from 1.
        column: column of the first token in characters, from 1.
        offset: character offset of the first token in the file.
        kind: "sql" or "meta" (a psql backslash command).
        data: rows of an inline `copy … from stdin`, without the closing `\\.` line.
        terminated: False for a last statement without its semicolon and for one ended by a psql command (`\\gset`).
    """

    text: str
    line: int
    column: int
    offset: int
    kind: str = "sql"
    data: str | None = None
    terminated: bool = True

    @property
    def end(self) -> int:
        """Character offset just behind the text."""
        return self.offset + len(self.text)


# An identifier is ASCII letters, underscore and anything beyond ASCII; said by what it is not, which compiles faster.
_NOT_FIRST = r"\x00-@\[-^`{-\x7f"
_NOT_NEXT = r"\x00-\#%-/:-@\[-^`{-\x7f"  # digits and the dollar sign may follow
_NOT_IN_TAG = r"\x00-/:-@\[-^`{-\x7f"
_STRING = r"""[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z)"""
_WORD = rf"[^{_NOT_FIRST}][^{_NOT_NEXT}]*"
# Everything that can hide or be a semicolon. The last alternative eats plain text in long runs.
_TOKEN = rf"""
      (?P<blank>\s+)
    | (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<string>{_STRING})
    | (?P<dollar>\$(?:[^{_NOT_FIRST}][^{_NOT_IN_TAG}]*)?\$)
    | (?P<word>{_WORD})
    | (?P<mark>[;()\\])
    | (?P<plain>[*,.=<>+:0-9\[\]]+|.)
    """
# As many of those as neither end a statement nor hide its end for long: the fast lane once a statement has begun.
_HARMLESS = rf"[\x00-!\#%&*-,.0-:<-@\[\]^`{{-\x7f]+ | --[^\n]* | -(?!-) | /(?!\*) | {_STRING} | {_WORD}"
_RUN = rf"(?:\((?:{_HARMLESS})*+\) | {_HARMLESS})++"
_BLOCK_EDGE = lazy_pattern(r"/\*|\*/")
# The server takes `from stdout` for `from stdin`.
_COPY_IN = lazy_pattern(r"copy\b.*\bfrom\s+std(?:in|out)\b", re.IGNORECASE | re.DOTALL)
_COPY_META = lazy_pattern(r"\\copy\b.*\bfrom\s+std(?:in|out)\b", re.IGNORECASE)
# psql commands that send the query buffer, as a semicolon does.
_SENDING = lazy_pattern(r"\\(?:g|gx|gset|gexec|gdesc|crosstabview|watch|bind|parse|sendpipeline)(?=\s|\(|$)")
_ROUTINE = lazy_pattern(r"create(?:\s+or\s+replace)?\s+(?:function|procedure)$")


@cache
def _lanes() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of one token and of a run; compiled when asked for, which most who import this module never do."""
    return re.compile(_TOKEN, re.VERBOSE | re.DOTALL), re.compile(_RUN, re.VERBOSE | re.DOTALL)


def split(text: str, *, psql: bool = False) -> list[Statement]:
    """Split a file into statements.

    Args:
        text: the whole file.
        psql: also recognise backslash commands and the data rows of `copy … from stdin`.

    Returns:
        Statements and psql commands in the order psql would execute them. Text that is only white space or comments
        gives none. Unterminated strings and comments run to the end of the file: the server reports them.
    """
    return _Splitter(text, psql).run()


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character offset."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - text.rfind("\n", 0, offset)


def code_frame(text: str, line: int, column: int | None = None) -> str:
    """The source line with its number and, below it, a caret at `column`.

    Tabs are shown as one blank each so that the caret stands where the eye looks for it.
    """
    return frame(text.splitlines(), line, column)


def literal(value: str | None) -> str:
    """A quoted string constant; `null` for None."""
    return "null" if value is None else "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as SQL writes it, quoted where it has to be."""
    if _PLAIN.fullmatch(name) and name not in _keywords():
        return name
    return '"' + name.replace('"', '""') + '"'


_PLAIN = lazy_pattern(r"[a-z_][a-z0-9_]*")


@cache
def _keywords() -> frozenset[str]:
    """The words that the server itself quotes as names: every keyword but the unreserved ones."""
    from pglast import keywords

    return frozenset(keywords.RESERVED_KEYWORDS | keywords.TYPE_FUNC_NAME_KEYWORDS | keywords.COL_NAME_KEYWORDS)


def frame(lines: Sequence[str], line: int, column: int | None = None) -> str:
    """`code_frame` of a text that is already cut into lines."""
    source = lines[line - 1].replace("\t", " ") if 0 < line <= len(lines) else ""
    shown = f"{line:>5} | {source}"
    if column is not None:
        shown += "\n" + " " * 5 + " | " + " " * (column - 1) + "^"
    return shown


class _Splitter:
    """State of one pass: where the current statement began and how deeply nested the scan stands."""

    def __init__(self, text: str, psql: bool) -> None:
        self.text = text
        self.psql = psql
        self.statements: list[Statement] = []
        self.line = 1
        self.line_at = 0  # offset up to which self.line has counted
        self._reset()

    def _reset(self) -> None:
        self.start: int | None = None
        self.words = ""  # leading words, enough to recognise "create or replace function"
        self.parens = 0
        self.atomic = 0  # depth of begin atomic … end
        self.cuts: list[tuple[int, int]] = []  # psql commands inside the statement, removed from its text

    def run(self) -> list[Statement]:
        text, at, size = self.text, 0, len(self.text)
        match, run = (lane.match for lane in _lanes())
        while at < size:
            if self.start is not None and (self.parens or self._cannot_be_atomic()):
                plain = run(text, at)
                if plain is not None:
                    at = plain.end()
                    continue
            token = match(text, at)
            assert token is not None  # the last alternative matches any character
            kind, after = token.lastgroup, token.end()
            if kind == "blank" or kind == "comment":
                at = after
                continue
            if kind == "block":
                at = self._block_end(after)
                continue
            if kind == "mark":
                after = self._mark(token.group(), at, after)
            elif kind == "dollar":
                self._begin(at)
                closing = text.find(token.group(), after)
                after = size if closing < 0 else closing + len(token.group())
            else:
                self._begin(at)
                if kind == "word":
                    self._word(token.group())
            at = after
        if self.start is not None:
            self._emit(size, terminated=False)
        return self.statements

    def _cannot_be_atomic(self) -> bool:
        """Whether the words of the statement no longer matter: it creates nothing, so that no body opens in it."""
        return self.words != "" and not self.words.startswith("create")

    def _begin(self, at: int) -> None:
        if self.start is None:
            self.start = at

    def _block_end(self, at: int) -> int:
        """Offset behind the block comment opened just before `at`; comments nest."""
        depth = 1
        while depth:
            edge = _BLOCK_EDGE.search(self.text, at)
            if edge is None:
                return len(self.text)
            depth += 1 if edge.group() == "/*" else -1
            at = edge.end()
        return at

    def _word(self, word: str) -> None:
        if self.parens:
            return
        word = word.lower()
        if self.atomic:
            if word in ("begin", "case"):
                self.atomic += 1
            elif word == "end":
                self.atomic -= 1
        elif len(self.words) < 40 and not self.words.endswith(("function", "procedure")):
            self.words = f"{self.words} {word}".lstrip()
        elif word == "begin" and _ROUTINE.match(self.words):
            # psql counts every BEGIN of a routine; only `begin atomic` can stand outside a quoted body.
            self.atomic = 1

    def _mark(self, mark: str, at: int, after: int) -> int:
        if mark == "\\":
            return self._backslash(at) if self.psql else self._plain(at, after)
        if mark == ";" and not self.parens and not self.atomic:
            if self.start is None:
                return after
            return self._emit(at, after=after)
        self._begin(at)
        if mark == "(":
            self.parens += 1
        elif mark == ")":
            self.parens = max(0, self.parens - 1)
        return after

    def _plain(self, at: int, after: int) -> int:
        self._begin(at)
        return after

    def _backslash(self, at: int) -> int:
        """Take a psql command: up to the end of the line, or up to the `\\\\` that separates two."""
        text = self.text
        if text.startswith("\\;", at):
            return self._plain(at, at + 2)
        newline = text.find("\n", at)
        line_end = len(text) if newline < 0 else newline
        if _COPY_META.match(text, at, line_end):
            data, resume = self._copy_data(at)
            self.statements.append(self._statement(at, text[at:line_end].rstrip(), kind="meta", data=data))
            return resume
        separator = text.find("\\\\", at + 1, line_end)
        end = line_end if separator < 0 else separator
        if _SENDING.match(text, at) and self.start is not None:
            self._emit(at, terminated=False)
        elif self.start is not None:
            self.cuts.append((at, end))
        self.statements.append(self._statement(at, text[at:end].rstrip(), kind="meta"))
        return end if separator < 0 else separator + 2

    def _emit(self, end: int, *, after: int | None = None, terminated: bool = True) -> int:
        """Close the statement at `end`; returns where the scan goes on."""
        assert self.start is not None
        body = self.text[self.start : end]
        for cut_from, cut_to in reversed(self.cuts):
            # blanks of the same length, so that error positions still fit
            body = body[: cut_from - self.start] + " " * (cut_to - cut_from) + body[cut_to - self.start :]
        body = body.rstrip()
        data, resume = None, end if after is None else after
        if self.psql and terminated and _COPY_IN.match(body):
            data, resume = self._copy_data(resume)
        self.statements.append(self._statement(self.start, body, data=data, terminated=terminated))
        self._reset()
        return resume

    def _copy_data(self, at: int) -> tuple[str, int]:
        """Rows from the line after the statement to the `\\.` line, and the offset behind it."""
        newline = self.text.find("\n", at)
        if newline < 0:
            return "", len(self.text)
        begin = newline + 1
        closing = re.compile(r"^\\\.\r?$", re.MULTILINE).search(self.text, begin)
        if closing is None:
            return self.text[begin:], len(self.text)
        return self.text[begin : closing.start()], closing.end()

    def _statement(
        self, offset: int, body: str, *, kind: str = "sql", data: str | None = None, terminated: bool = True
    ) -> Statement:
        if offset >= self.line_at:
            self.line += self.text.count("\n", self.line_at, offset)
        else:  # a psql command inside this statement was emitted first
            self.line -= self.text.count("\n", offset, self.line_at)
        self.line_at = offset
        column = offset - self.text.rfind("\n", 0, offset)
        return Statement(body, self.line, column, offset, kind, data, terminated)

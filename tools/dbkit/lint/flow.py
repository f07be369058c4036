"""The shape of a PL/pgSQL body: its words, its declarations, and whether it can end without RETURN."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.patterns import lazy_pattern

__all__ = ["blanked", "can_end_without_return", "declared_names", "row_variables", "tokens", "words"]

_TOKEN = lazy_pattern(
    r"""--[^\n]*|/\*.*?\*/|\s+
    |(?P<string>[eE]?'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |"(?P<quoted>(?:[^"]|"")*)"
    |(?P<word>[^\W\d]\w*)
    |(?P<mark><<|>>|.)""",
    re.DOTALL | re.VERBOSE,
)
# The words and quoted names alone: what searches for them skips signs and white space by itself.
_NAME = lazy_pattern(
    r"""--[^\n]*|/\*.*?\*/|[eE]?'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    |"(?P<quoted>(?:[^"]|"")*)"|(?P<word>[^\W\d]\w*)""",
    re.DOTALL | re.VERBOSE,
)
_ROW_VARIABLE = lazy_pattern(
    r"^\s*(\w+)\s+(?:constant\s+)?((?:\w+\.)?\w+)(?:%rowtype)?\s*(?:;|:=|=|default\b|$)", re.IGNORECASE
)


def tokens(text: str) -> Iterator[str]:
    """Words in lower case, strings as `'`, quoted names as they are, every other sign by itself; no comments."""
    for match in _TOKEN.finditer(text):
        if match["word"]:
            yield match["word"].lower()
        elif match["string"]:
            yield "'"
        elif match["quoted"] is not None:
            yield match["quoted"]
        elif match["mark"]:
            yield match["mark"]


def blanked(text: str) -> str:
    """A body with blanks for its strings and comments, so that places stay."""
    return _HIDDEN.sub(lambda match: " " * len(match.group()), text)


_HIDDEN = lazy_pattern(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)


def words(text: str) -> list[str]:
    """The words of a text, without strings, comments and signs."""
    return [token for token in tokens(text) if token[0].isalpha() or token[0] == "_"]


def declared_names(text: str) -> set[str]:
    """Every word of the DECLARE sections and every loop variable: more than the variables, never fewer."""
    found, declaring, after_for = set(), False, False
    for match in _NAME.finditer(text):
        token = match["quoted"] or (match["word"] or "").lower()
        if token == "declare":
            declaring = True
        elif token == "begin":
            declaring = False
        elif declaring or after_for:
            found.add(token)
        after_for = token in ("for", "foreach") or (after_for and token != "in")
    return found


def row_variables(text: str) -> Iterator[tuple[str, str]]:
    """(variable, type) of the plain declarations, for finding those that hold a row of a table."""
    for section in re.findall(r"\bdeclare\b(.*?)\bbegin\b", text, re.IGNORECASE | re.DOTALL):
        for declaration in section.split(";"):
            match = _ROW_VARIABLE.match(declaration)
            if match:
                yield match[1].lower(), match[2].lower()


def can_end_without_return(text: str) -> bool:
    """Whether a path through a body reaches its end: a function that must RETURN then fails with 2F005.

    A body this reader cannot follow is taken to return.
    """
    try:
        return not _Reader(list(tokens(text))).block()
    except IndexError:
        return False


class _Reader:
    """Recursive descent over the control statements; each method says whether what it read never falls through."""

    def __init__(self, found: list[str]) -> None:
        self.tokens = found
        self.at = 0

    def block(self) -> bool:
        """[<<label>>] [declare …] begin … [exception …] end"""
        while self._peek() != "begin":
            self.at += 1
        self.at += 1
        ends = self._statements()
        if self._peek() == "exception":
            self.at += 1
            while self._peek() == "when":
                self._skip_to("then")
                ends &= self._statements()
        self._skip_to(";", or_end=True)
        return ends

    def _statements(self) -> bool:
        ends = False
        while self._peek() not in ("end", "else", "elsif", "elseif", "when", "exception"):
            ends |= self._statement()
        return ends

    def _statement(self) -> bool:
        word = self._peek()
        if word == "<<":
            self._skip_to(">>")
            return False
        if word in ("declare", "begin"):
            return self.block()
        if word == "if":
            return self._branches("then", ("elsif", "elseif"), falls_through=True)
        if word == "case":
            return self._case()
        if word in ("loop", "while", "for", "foreach"):
            return self._loop(endless=word == "loop")
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        self._skip_to(";")
        if word == "return":
            return following not in ("next", "query")
        return word == "raise" and following not in ("debug", "log", "info", "notice", "warning")

    def _branches(self, opener: str, further: tuple[str, ...], *, falls_through: bool) -> bool:
        """`if`, and the branches of `case`: true when each of them ends, and no row can pass between them."""
        self._skip_to(opener)
        ends = self._statements()
        while self._peek() in further:
            self._skip_to(opener)
            ends &= self._statements()
        if self._peek() == "else":
            self.at += 1
            ends &= self._statements()
        elif falls_through:
            ends = False
        self.at += 2  # end if, end case: that CASE begins no expression
        self._skip_to(";")
        return ends

    def _case(self) -> bool:
        # A CASE statement without ELSE raises when no branch fits.
        self.at += 1
        while self._peek() != "when":
            self.at += 1
        return self._branches("then", ("when",), falls_through=False)

    def _loop(self, *, endless: bool) -> bool:
        self._skip_to("loop")
        begin = self.at
        self._statements()
        left = "exit" in self.tokens[begin : self.at]
        self._skip_to(";")
        return endless and not left

    def _peek(self) -> str:
        return self.tokens[self.at]

    def _skip_to(self, word: str, *, or_end: bool = False) -> None:
        """Move behind the next `word` that stands outside of CASE expressions and parentheses."""
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token == word and depth <= 0:
                return
            if token in ("(", "case"):
                depth += 1
            elif token == ")" or (token == "end" and depth > 0):
                depth -= 1
        if not or_end:
            raise IndexError

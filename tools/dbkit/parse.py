"""Turn SQL text into PostgreSQL's own trees with places in characters: the second step of the flow, files to trees.

The trees are pglast's JSON as plain dicts: several times cheaper to make and to walk than its node classes. A file is
parsed in one call; only when that fails is it split, so that psql commands, `copy … from stdin` data, psql variables
and a broken statement cost the statements around them nothing.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple

from dbkit.patterns import lazy_pattern

__all__ = [
    "Body",
    "Node",
    "Script",
    "Statement",
    "SyntaxFault",
    "SyntaxProblem",
    "bodies",
    "embedded_statements",
    "fragment",
    "parse",
    "parse_tree",
]

Node = dict[str, Any]  # pglast's JSON: {"relation": {…}, "cmds": [{"AlterTableCmd": {…}}]}

_decode = json.JSONDecoder().raw_decode  # json.loads looks at each text for more than the parser can write
# What stands between two statements. Nested block comments are rare enough to be left to the parser's own position.
_GAP = lazy_pattern(r"(?:\s+|--[^\n]*|/\*.*?\*/|;)*", re.DOTALL)
_NOT_ASCII = lazy_pattern(r"[^\x00-\x7f]")
# :name, :'name' and :"name" outside strings, but not `::` casts, `:=` or array slices such as [1:2]; Flyway's and
# goose's ${name}; psql's \; which sends two statements at once.
_STRING_OR_VARIABLE = lazy_pattern(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|--[^\n]*
    |(?P<variable>(?<![:\w\]]):(?=['"A-Za-z_]))|(?P<placeholder>\$\{[^}\s]+\})|(?P<joint>\\;)""",
    re.DOTALL | re.VERBOSE,
)
# A psql variable that holds whole statements, which only psql knows.
_VARIABLE_ALONE = lazy_pattern(r":\w+")


class SyntaxProblem(NamedTuple):
    """What the parser refused.

    Attributes:
        message: the parser's words, e.g. `syntax error at or near "colum"`.
        offset: character offset in the file.
    """

    message: str
    offset: int


class SyntaxFault(Exception):
    """Raised by `parse_tree` for text that is not SQL; `offset` counts characters of that text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(slots=True)
class Statement:
    """One statement of a file.

    Attributes:
        tag: name of its node, e.g. "AlterTableStmt"; "psql" for a psql backslash command, which has no tree.
        node: the tree below that name.
        start: character offset of its first token in the file.
        end: character offset just behind its last token, without the semicolon.
        script: the file it stands in.
        memo: what was worked out about it, by name, for those who ask again.
    """

    tag: str
    node: Node
    start: int
    end: int
    script: Script = field(repr=False)
    chunk: str = field(repr=False, default="")  # the text handed to the parser, whose bytes `location` counts
    base: int = 0  # character offset of that text in the file
    memo: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The statement as written, without its semicolon."""
        return self.script.text[self.start : self.end]

    def offset(self, node: Node | None) -> int:
        """Character offset of a node of this statement; of the statement where the node has no place of its own."""
        location = node.get("location") if node else None
        if location is None or location < 0:
            return self.start
        return self.base + _characters(self.chunk, int(location))


@dataclass(slots=True)
class Script:
    """A parsed file.

    Attributes:
        text: the text as given.
        statements: in file order; statements that could not be parsed are missing.
        problems: one entry a statement that could not be parsed.
        recalled: gives what an earlier run found in the bodies of a statement, by their offsets.
    """

    text: str
    statements: list[Statement] = field(default_factory=list)
    problems: list[SyntaxProblem] = field(default_factory=list)
    recalled: Callable[[Statement], dict[int, list[Statement]]] | None = field(default=None, repr=False)
    _line_starts: list[int] = field(default_factory=list, repr=False)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1 and in characters."""
        if not self._line_starts:
            self._line_starts = [0, *[match.end() for match in re.finditer("\n", self.text)]]
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


class Body(NamedTuple):
    """The quoted body of a function, procedure or DO block.

    Attributes:
        language: lower case; "plpgsql" for a DO block that names none.
        text: the body between its quotes.
        offset: character offset of the text in the file.
        immediate: True for a DO block, whose statements run when the file is applied.
        statement: the statement that carries it.
    """

    language: str
    text: str
    offset: int
    immediate: bool
    statement: Statement


def parse(text: str) -> Script:
    """Parse a file. Never raises for bad SQL: what cannot be parsed is in `problems`.

    Args:
        text: the whole file; psql commands and COPY data are allowed.
    """
    script = Script(text)
    try:
        trees = parse_tree(text)
    except SyntaxFault:
        _parse_piecewise(script)
        return script
    for tree in trees:
        tag, node = next(iter(tree["stmt"].items()))
        begin, length = tree.get("stmt_location", 0), tree.get("stmt_len")
        # The parser counts white space and comments before a statement as part of it.
        start = _skip_gap(text, _characters(text, begin))
        end = len(text.rstrip()) if length is None else _characters(text, begin + length)
        script.statements.append(Statement(tag, node, start, end, script, text))
    return script


def parse_tree(text: str) -> list[Node]:
    """The parser's list of raw statements, `{"stmt": {tag: node}, "stmt_location": …, "stmt_len": …}`, in bytes.

    Raises:
        SyntaxFault: with the place counted in characters.
    """
    parser = _parser()
    if "\x00" in text:
        raise SyntaxFault("null byte in SQL text", text.index("\x00"))
    try:
        trees: list[Node] = _decode(parser.parse_sql_json(text))[0].get("stmts", [])
    except parser.ParseError as error:
        raise SyntaxFault(str(error.args[0]).splitlines()[0], _fault_offset(text, error)) from None
    except RecursionError:
        raise SyntaxFault("statement is nested too deeply", _skip_gap(text, 0)) from None
    return trees


@cache
def _parser() -> Any:
    from pglast import parser

    return parser


def bodies(statement: Statement) -> Iterator[Body]:
    """The quoted bodies a statement carries: none, one, or two for a C function (whose strings are no SQL)."""
    if statement.tag not in ("CreateFunctionStmt", "DoStmt"):
        return
    written = statement.node.get("options", ()) or statement.node.get("args", ())
    options = [option["DefElem"] for option in written]
    language = "plpgsql" if statement.tag == "DoStmt" else "sql"
    source: Node | None = None
    for option in options:
        if option["defname"] == "language":
            language = option["arg"]["String"]["sval"].lower()
        elif option["defname"] == "as":
            source = option
    if source is None or language in ("c", "internal"):
        return
    argument = source["arg"]
    strings = argument["List"]["items"] if "List" in argument else [argument]
    text = strings[0]["String"].get("sval", "")
    offset = _body_offset(statement, statement.offset(source), text)
    yield Body(language, text, offset, statement.tag == "DoStmt", statement)


def embedded_statements(body: Body) -> Iterator[Statement]:
    """The SQL statements inside a body, as far as they can be told without running it.

    SQL bodies are parsed whole. PL/pgSQL is cut at its semicolons and control words: each piece that parses as a
    statement, or as an expression behind `return`, `if`, `:=` and the like, is given as a statement of its own with
    places in the file. Pieces that do not parse are left out: this is for finding things, not for proving absence.
    """
    # Several rules and the engine ask: a body is cut and parsed once.
    known: dict[int, list[Statement]] | None = body.statement.memo.get("bodies")
    if known is None:
        recalled = body.statement.script.recalled
        known = body.statement.memo["bodies"] = recalled(body.statement) if recalled else {}
    if body.offset not in known:
        known[body.offset] = list(_embedded_statements(body))
    yield from known[body.offset]


def _embedded_statements(body: Body) -> Iterator[Statement]:
    if body.language == "sql":
        yield from fragment(body, 0, body.text)
    elif body.language == "plpgsql":
        from dbkit.plpgsql import statements_of_block

        yield from statements_of_block(body)


def fragment(body: Body, at: int, text: str, chunk: str | None = None, *, shift: int = 0) -> Iterator[Statement]:
    """The statements of one piece of a body, with places in the file; none when it does not parse.

    Args:
        at: character offset of the piece in the body.
        chunk: what to hand to the parser where that is not the piece itself.
        shift: characters that `chunk` has more at its beginning.
    """
    chunk = text if chunk is None else chunk
    script = body.statement.script
    for tree in _trees_of(chunk):
        tag, node = next(iter(tree["stmt"].items()))
        begin = tree.get("stmt_location", 0)
        length = tree.get("stmt_len")
        start = _skip_gap(chunk, max(_characters(chunk, begin), shift))
        end = len(chunk.rstrip()) if length is None else _characters(chunk, begin + length)
        base = body.offset + at - shift
        yield Statement(tag, node, base + start, base + end, script, chunk, base)


# The same pieces stand in many bodies, and in a baseline again; their trees are only read.
@lru_cache(maxsize=4096)
def _trees_of(chunk: str) -> list[Node]:
    try:
        return parse_tree(chunk)
    except SyntaxFault:
        return []


# ---------------------------------------------------------------------------------------------------------------------
# Places
# ---------------------------------------------------------------------------------------------------------------------


def _characters(text: str, byte_offset: int) -> int:
    """Characters before a byte offset of the UTF-8 form."""
    if text.isascii():
        return byte_offset
    ends, surplus = _wide_characters(text)
    return byte_offset - surplus[bisect_right(ends, byte_offset)]


@lru_cache(maxsize=8)
def _wide_characters(text: str) -> tuple[list[int], list[int]]:
    """Byte offsets behind each character of several bytes, and the surplus of bytes over characters up to there."""
    ends, surplus = [], [0]
    for match in _NOT_ASCII.finditer(text):
        extra = len(match.group().encode()) - 1
        ends.append(match.end() + surplus[-1] + extra)
        surplus.append(surplus[-1] + extra)
    return ends, surplus


def _skip_gap(text: str, offset: int) -> int:
    match = _GAP.match(text, offset)
    assert match is not None  # every part is optional
    return min(match.end(), len(text))


def _fault_offset(text: str, error: Any) -> int:
    """Character offset of a parse error; at the end of the input where the parser names no place."""
    from pglast import parser

    if not text.isascii():
        # pglast converts an offset that already counts characters as if it counted bytes; without such characters
        # there is nothing to convert.
        try:
            parser.parse_sql_json(_NOT_ASCII.sub("x", text))
        except parser.ParseError as plain:
            error = plain
    offset = error.args[1] if len(error.args) > 1 else None
    return len(text.rstrip()) if offset is None else min(int(offset), len(text))


def _body_offset(statement: Statement, option_at: int, body: str) -> int:
    """Where the text of a body begins: behind the first quote after AS (or DO)."""
    text = statement.script.text
    quote = re.compile(r"\$(?:[^\W\d]\w*)?\$|'").search(text, option_at, statement.end)
    if quote is None:
        return option_at
    if not text.startswith(body[:80], quote.end()):
        # DO puts the language before or behind the body; the option's place is then the statement's start.
        found = text.find(body, option_at, statement.end)
        return found if found >= 0 else quote.end()
    return quote.end()


# ---------------------------------------------------------------------------------------------------------------------
# Files the parser refuses as a whole
# ---------------------------------------------------------------------------------------------------------------------


def _parse_piecewise(script: Script) -> None:
    from dbkit.sqltext import split

    for piece in split(script.text, psql=True):
        if piece.kind == "meta" or _VARIABLE_ALONE.fullmatch(piece.text):
            script.statements.append(Statement("psql", {}, piece.offset, piece.end, script))
            continue
        chunk = piece.text
        try:
            trees = _parse_with_variables(chunk)
        except SyntaxFault as fault:
            script.problems.append(SyntaxProblem(fault.message, piece.offset + fault.offset))
            continue
        for tree in trees:
            tag, node = next(iter(tree["stmt"].items()))
            script.statements.append(Statement(tag, node, piece.offset, piece.end, script, chunk, piece.offset))


def _as_name(match: re.Match[str]) -> str:
    if match["variable"]:
        return " "
    if match["joint"]:
        return " ;"
    return "x" * len(match.group()) if match["placeholder"] else match.group()


def _parse_with_variables(text: str) -> list[Node]:
    """Parse a statement in which variables may stand: `:name` reads as ` name`, `${name}` as a name of that length.

    Several statements that `\\;` joins are several trees.

    Raises:
        SyntaxFault: about the text as it is, not as it reads without colons.
    """
    try:
        return parse_tree(text)
    except SyntaxFault as fault:
        plain = _STRING_OR_VARIABLE.sub(_as_name, text)
        if plain == text:
            raise
        try:
            return parse_tree(plain)
        except SyntaxFault:
            raise fault from None

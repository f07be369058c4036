"""Find the SQL inside a PL/pgSQL block without its compiler, which refuses every schema-qualified type.

A block is cut at its semicolons and control words; what parses as a statement or an expression is handed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dbkit.parse import Body, Statement, fragment
from dbkit.sqltext import Statement as Piece
from dbkit.sqltext import identifier, literal, split

__all__ = ["statements_of_block"]

# Words that open a block or a branch: what follows is a statement of its own.
_OPENERS = re.compile(
    r"""(?:\s+|--[^\n]*|/\*.*?\*/|<<\s*\w+\s*>>|(?:declare|begin|else|loop|exception)\b)+""", re.IGNORECASE | re.DOTALL
)
_BRANCH = re.compile(r"(?:if|elsif|elseif|while|case|when)\b", re.IGNORECASE)
_BRANCH_BODY = re.compile(r"\b(?:then|loop)\b", re.IGNORECASE)
_FOR = re.compile(r"for(?:each)?\b.*?\bin\b(?:\s+execute\b|\s+reverse\b|\s+array\b)?", re.IGNORECASE | re.DOTALL)
_EXPRESSION = re.compile(
    r"""(?:return(?:\s+next)?|execute|perform|assert|raise\b[^,;]*,|using|exit\s+when|continue\s+when)\b""",
    re.IGNORECASE,
)
_CLOSER = re.compile(r"(?:end|null)\b", re.IGNORECASE)
# Behind the expression of EXECUTE; the words may also stand in its strings.
_DYNAMIC_TAIL = re.compile(
    r"""(?P<kept>(?:'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|"[^"]*"|(?!\b(?:using|into)\b).)*).*""",
    re.IGNORECASE | re.DOTALL,
)
_LITERAL = re.compile(r"'(?P<plain>(?:[^']|'')*)'|\$(?P<tag>\w*)\$(?P<raw>.*?)\$(?P=tag)\$", re.DOTALL)
_FORMAT_OF_LITERALS = re.compile(r"\s*\(?\s*format\s*\([\s,]*\)\s*\)?\s*", re.IGNORECASE)
_PLACE = re.compile(r"%(?P<kind>[%ILs])")
_RETURN_QUERY = re.compile(r"return\s+query(?P<dynamic>\s+execute)?\b", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"""[\w."\[\]]+\s*(?::=|=)\s*""")
_DECLARATION = re.compile(r"""[^\W\d]\w*\s+(?:constant\s+)?[\w."%\s()\[\],]+?(?::=|\bdefault\b|=)\s*""", re.IGNORECASE)
# Where the rows go to; INSERT INTO and MERGE INTO name a table.
_INTO = re.compile(
    r"(?P<kept>\b(?:insert|merge)\s+into\b)|\binto\s+(?:strict\s+)?[\w.\"]+(?:\s*,\s*[\w.\"]+)*", re.IGNORECASE
)


def statements_of_block(body: Body) -> Iterator[Statement]:
    """The statements and expressions of a block, as far as they parse, with places in the file."""
    for piece in split(body.text):
        yield from _piece(body, piece)


def _piece(body: Body, piece: Piece) -> Iterator[Statement]:
    """The statements in one semicolon-ended piece of a block, e.g. `if a then begin update …`."""
    text, at = piece.text, 0
    while at < len(text):
        opener = _OPENERS.match(text, at)
        if opener:
            at = opener.end()
            continue
        branch = _BRANCH.match(text, at) or _FOR.match(text, at)
        edge = _BRANCH_BODY.search(text, branch.end()) if branch else None
        if branch and edge:
            head = branch.group().lower()
            is_query = head.startswith("for") and not head.startswith("foreach") and not head.endswith("execute")
            yield from _part(body, piece.offset + branch.end(), text[branch.end() : edge.start()], is_query)
            at = edge.end()
            continue
        yield from _simple(body, piece.offset + at, text[at:])
        return


def _simple(body: Body, at: int, text: str) -> Iterator[Statement]:
    if _CLOSER.match(text):
        return
    query = _RETURN_QUERY.match(text)
    expression = query or _EXPRESSION.match(text) or _ASSIGNMENT.match(text)
    if expression:
        is_query = query is not None and not query["dynamic"]
        tail = text[expression.end() :]
        if expression.group().lower().endswith("execute"):
            tail = _DYNAMIC_TAIL.sub(r"\g<kept>", tail, count=1)
            yield from _executed(body, at + expression.end(), tail)
        yield from _part(body, at + expression.end(), tail, is_query)
        return
    found = list(_part(body, at, text, True))
    if not found:
        declaration = _DECLARATION.match(text)
        if declaration:
            found = list(_part(body, at + declaration.end(), text[declaration.end() :], False))
    yield from found


def _executed(body: Body, at: int, text: str) -> Iterator[Statement]:
    """The statements that EXECUTE runs where they are spelled out: a literal, several joined, or format() of them.

    Places are those of the text up to the first doubled quote or seam, and a little behind it after that.
    """
    literals = list(_LITERAL.finditer(text))
    around = _LITERAL.sub("", text)
    spelled = [match["raw"] if match["plain"] is None else match["plain"].replace("''", "'") for match in literals]
    if spelled and not around.strip("()| \t\r\n"):
        executed = "".join(spelled)
    elif spelled and _FORMAT_OF_LITERALS.fullmatch(around):
        executed = _formatted(*spelled)
    else:
        return
    begin = literals[0].start("raw" if literals[0]["plain"] is None else "plain")
    yield from fragment(body, at + begin, executed)


def _formatted(template: str, *arguments: str) -> str:
    """What format() makes of literals; empty where it would fail."""
    following = iter(arguments)
    written: dict[str, Callable[[str], str]] = {"I": identifier, "L": literal, "s": str}
    try:
        return _PLACE.sub(
            lambda match: "%" if match["kind"] == "%" else written[match["kind"]](next(following)), template
        )
    except StopIteration:
        return ""


def _part(body: Body, at: int, text: str, is_query: bool) -> Iterator[Statement]:
    if is_query:
        # `select … into v_row …`: PostgreSQL reads one INTO target as a new table and refuses two.
        plain = _INTO.sub(lambda match: match["kept"] or " " * len(match.group()), text)
        yield from fragment(body, at, text, plain)
    else:
        # Room for `select ` is taken from a prefix, so every place is shifted by its length.
        yield from fragment(body, at, text, f"select {text}", shift=len("select "))

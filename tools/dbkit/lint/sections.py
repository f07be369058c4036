"""The up and down parts of a migration file, and whether the runner wraps them in a transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from dbkit.parse import Statement
from dbkit.patterns import lazy_pattern

__all__ = ["Section", "ends_transaction", "is_committed_between", "opens_transaction", "sections_of"]


class Section(NamedTuple):
    """The up or down part of a migration; other files are one up section.

    Attributes:
        name: up or down.
        start, end: character offsets in the file.
        transactional: whether the runner wraps it in a transaction.
    """

    name: str
    start: int
    end: int
    transactional: bool


# What the two patterns below cannot match without.
_MARK_WORDS = ("migrate:", "+goose", "+migrate")
_BARE_WORDS = ("transaction", "txmode", "disable-tx")
# Dashes that begin a line. Said by looking back from them, since the engine looks for a pattern's first characters much
# faster than for the beginnings of lines: 13 ms less for 470 files.
_DASHES = r"--(?<![^\n]--)"
_MARK = lazy_pattern(
    _DASHES + r"\s*(?:migrate:|\+goose\s+|\+migrate\s+)(?P<name>up|down)\b(?P<options>[^\n]*)", re.IGNORECASE
)
_NO_TRANSACTION = lazy_pattern(
    _DASHES + r"-*\s*(?:\+goose\s+NO\s+TRANSACTION|!?\s*no-transaction|atlas:txmode\s+none|disable-transaction"
    r"|tern:\s*disable-tx|changeset\b[^\n]*\brunInTransaction\s*:\s*false)\b",
    re.IGNORECASE,
)


def sections_of(text: str, *, marked: bool, down: bool, bare: bool) -> tuple[Section, ...]:
    """Cut a file at its marks; without any it is one section.

    Args:
        marked: whether marks are looked for.
        down: whether a file without marks is a way back.
        bare: whether its runner wraps nothing in a transaction, whatever the file says.
    """
    # Most files have no such comment: the patterns are asked only about those that hold its words.
    written = text.lower() if "--" in text else ""
    bare = bare or (any(word in written for word in _BARE_WORDS) and bool(_NO_TRANSACTION.search(text)))
    marks = list(_MARK.finditer(text)) if marked and any(word in written for word in _MARK_WORDS) else []
    if not marks:
        return (Section("down" if down else "up", 0, len(text), not bare),)
    sections = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        options = mark["options"].lower().replace(" ", "")
        # A layout that marks sections also marks the transaction there; of `bare` only a file-wide marker counts.
        off = "transaction:false" in options or "notransaction" in options or bool(_NO_TRANSACTION.search(text))
        end = following.start() if following else len(text)
        sections.append(Section(mark["name"].lower(), mark.start(), end, not off))
    return tuple(sections)


def opens_transaction(statement: Statement) -> bool:
    """Whether it is BEGIN or START TRANSACTION."""
    return statement.tag == "TransactionStmt" and statement.node["kind"] in ("TRANS_STMT_BEGIN", "TRANS_STMT_START")


def ends_transaction(statement: Statement) -> bool:
    """Whether it is COMMIT, ROLLBACK or the like; ROLLBACK TO a savepoint stays in the transaction."""
    return statement.tag == "TransactionStmt" and statement.node["kind"] in _ENDS


def is_committed_between(statements: Iterable[Statement], first: int, second: int) -> bool:
    """Whether a transaction ends between two places of a file, given as character offsets."""
    return any(first < statement.start < second and ends_transaction(statement) for statement in statements)


_ENDS = frozenset({"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"})

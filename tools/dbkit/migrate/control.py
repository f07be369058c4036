"""Find transaction control inside a script: BEGIN, COMMIT and their kin, COPY data, psql commands.

Most files have none of it, and a scan that only looks at words tells so in microseconds; only a suspicious file is
split into statements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from dbkit.errors import DbkitError
from dbkit.migrate.files import Script, bad_file
from dbkit.sqltext import Statement, split

__all__ = ["Control", "Unit", "needs_splitting", "statements_of", "transaction_word", "units_of"]

_DOLLAR_BODY = re.compile(r"\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$", re.DOTALL)
# Without one of these the pattern below cannot match; looking for them is ten times as quick.
_RARE_WORDS = ("begin", "transaction", "commit", "rollback", "abort", "end", "stdin", "\\")
_SUSPICIOUS = re.compile(
    r"""\b (?: begin | start\s+transaction | commit | rollback | abort | prepare\s+transaction | from\s+stdin ) \b
      | \b end \s* (?: work | transaction )? \s* (?: and\s+(?:no\s+)?chain )? \s* (?: ; | \Z )
      | ^ \s* \\ [a-z!.]""",
    re.VERBOSE | re.MULTILINE,
)
_CONTROL = re.compile(
    r"(?P<open>begin\b(?!\s+atomic)|start\s+transaction\b)"
    r"|(?P<close>commit\b(?!\s+prepared)|end\b)"
    r"|(?P<undo>rollback\b(?!\s+(?:prepared|(?:work\s+|transaction\s+)?to\b))|abort\b)"
    r"|(?P<prepare>prepare\s+transaction\b)",
    re.IGNORECASE,
)
_META_LINE = re.compile(r"^\s*\\[A-Za-z!.]", re.MULTILINE)
# psql commands that only change what psql shows, or that pg_dump writes for psql's sake.
_HARMLESS_META = re.compile(
    r"\\(?:echo|qecho|warn|pset|timing|set\s+(?:ON_ERROR_STOP|QUIET|ECHO|VERBOSITY|AUTOCOMMIT\s+on)|unset|encoding\s+utf-?8|restrict|unrestrict|x|t|a|o)\b.*|\\\.",
    re.IGNORECASE,
)


class Control(Enum):
    """What a statement does to a transaction."""

    OPEN = "open"
    CLOSE = "close"
    UNDO = "undo"
    PREPARE = "prepare"


@dataclass(frozen=True, slots=True)
class Unit:
    """Statements that take effect together: one alone, or the file's own BEGIN … COMMIT.

    Attributes:
        statements: without BEGIN and COMMIT.
        opening: the BEGIN as written, None for a single statement.
        undone: the file ends this block with ROLLBACK.
    """

    statements: tuple[Statement, ...]
    opening: Statement | None = None
    undone: bool = False

    @property
    def text(self) -> str:
        return ";\n".join(statement.text for statement in self.statements)

    @property
    def first(self) -> Statement:
        return self.opening or self.statements[0]


def needs_splitting(script: Script) -> bool:
    """Whether a script may hold transaction control, COPY data or psql commands. Quick; errs on the side of yes."""
    text = script.text
    if "$" in text:
        text = _DOLLAR_BODY.sub("", text)
    text = text.lower()
    return any(word in text for word in _RARE_WORDS) and _SUSPICIOUS.search(text) is not None


def transaction_word(statement: Statement) -> Control | None:
    """What a statement does to the transaction, None for all others (savepoints too)."""
    match = _CONTROL.match(statement.text)
    return Control(match.lastgroup) if match and match.lastgroup else None


def statements_of(script: Script) -> list[Statement]:
    """The script's statements; psql commands that do not matter here are left out.

    Raises:
        DbkitError: a psql command that would change what runs, with file and line.
    """
    found = []
    for statement in split(script.text, psql=True):
        if statement.kind == "sql":
            found.append(statement)
        elif not (script.may_control_transaction and _HARMLESS_META.fullmatch(statement.text.strip())):
            raise bad_file(
                script.path,
                script.first_line + statement.line - 1,
                "migration holds a psql command",
                f"{statement.text.splitlines()[0]!r} is not SQL.",
                "Write SQL only; what psql would include or set must stand in the file.",
            )
    return found


def one_string(script: Script, statements: list[Statement]) -> bool:
    """Whether the text can be sent as it is: no rows of a COPY and no psql command in it."""
    return not any(statement.data for statement in statements) and not _META_LINE.search(script.text)


def refuse_control(script: Script, statements: list[Statement]) -> None:
    """Refuse BEGIN and COMMIT in a script whose transaction belongs to the runner.

    Raises:
        DbkitError: with file, line and word.
    """
    for statement in statements:
        if transaction_word(statement):
            raise bad_file(
                script.path,
                script.first_line + statement.line - 1,
                "migration controls the transaction itself",
                f"{' '.join(statement.text.split())[:60]!r}: dbkit opens and commits the transaction of a file.",
                "Remove it; a file that must run outside a transaction says -- migrate:up transaction:false.",
            )


def units_of(script: Script, statements: list[Statement]) -> list[Unit]:
    """Group statements by the transaction control and the statement blocks of the file.

    Raises:
        DbkitError: a transaction that is not closed, PREPARE TRANSACTION, or COMMIT AND CHAIN; with file and line.
    """
    units: list[Unit] = []
    block: list[Statement] = []
    opening: Statement | None = None
    for statement in statements:
        word = transaction_word(statement)
        if word is Control.PREPARE or (word and re.search(r"\bchain\s*$", statement.text, re.IGNORECASE)):
            raise _unsupported(script, statement)
        if word is Control.OPEN:
            opening = opening or statement
        elif word in (Control.CLOSE, Control.UNDO):
            if opening is not None and block:
                units.append(Unit(tuple(block), opening, undone=word is Control.UNDO))
            block, opening = [], None
        elif opening is not None:
            block.append(statement)
        elif units and (shared := _block_of(script, statement)) and _block_of(script, units[-1].first) == shared:
            units[-1] = Unit((*units[-1].statements, statement))
        else:
            units.append(Unit((statement,)))
    if opening is not None:
        raise bad_file(
            script.path,
            script.first_line + opening.line - 1,
            "migration opens a transaction and does not close it",
            "Nothing after this line would be committed.",
            "Add COMMIT at the end of the file.",
        )
    return units


def _block_of(script: Script, statement: Statement) -> tuple[int, int] | None:
    line = script.first_line + statement.line - 1
    return next((block for block in script.blocks if block[0] <= line <= block[1]), None)


def _unsupported(script: Script, statement: Statement) -> DbkitError:
    return bad_file(
        script.path,
        script.first_line + statement.line - 1,
        "migration uses transaction control that cannot be recorded",
        f"{' '.join(statement.text.split())[:60]!r}.",
        "Split the file, or use plain BEGIN and COMMIT.",
    )

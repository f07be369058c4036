"""Turn a failed statement into file:line, SQLSTATE, the statement and what the server said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dbkit.errors import DbkitError
from dbkit.migrate.files import Migration, Script, show_path
from dbkit.migrate.session import ServerError

__all__ = ["Place", "describe", "failed_statement", "without_values"]

# Lines of a statement that are shown when the server gives no position.
_SHOWN_LINES = 8
_SYNTAX_ERROR = "42601"
# Key (a, b)=(1, 2) and Failing row contains (…) show rows, which may be a tenant's.
_ROW_VALUES = re.compile(r"(=\s*|contains\s+)\((?:[^()]|\([^()]*\))*\)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file a statement failed. `column` is None when only the statement is known."""

    line: int
    column: int | None
    statement: str


def failed_statement(script: Script, error: ServerError, *, prefix: str, statements_before: int) -> Place | None:
    """Find the failed statement of a script that was sent whole.

    The server gives a character position for most errors. Where it gives none, the number of results that came before
    the error says which statement it was.

    Args:
        prefix: what was sent before the script's text in the same query string.
        statements_before: how many statements that prefix has.

    Returns:
        None when the error belongs to what was sent around the script.
    """
    from dbkit.sqltext import split

    statements = [statement for statement in split(script.text) if statement.kind == "sql"]
    if error.position is not None:
        offset = error.position - 1 - len(prefix)
        if 0 <= offset <= len(script.text):
            line, column = script.locate(offset)
            inside = [statement for statement in statements if statement.offset <= offset]
            return Place(line, column, inside[-1].text if inside else "")
        if offset > len(script.text) and error.sqlstate == _SYNTAX_ERROR and statements:
            # A quote that the file leaves open ends in what was sent behind it.
            return Place(script.locate(statements[-1].offset)[0], None, statements[-1].text)
        return None
    index = error.completed - statements_before
    if not 0 <= index < len(statements):
        return None
    return Place(script.locate(statements[index].offset)[0], None, statements[index].text)


def describe(
    migration: Migration,
    script: Script,
    error: ServerError,
    place: Place | None,
    *,
    aftermath: str,
    hint: str | None = None,
) -> DbkitError:
    """The error a user sees.

    Args:
        aftermath: sentences about what was recorded and what was not run.
        hint: what to type next; None takes the server's hint or a general one.
    """
    from dbkit.sqltext import code_frame

    parts = []
    if place is None:
        parts.append(f"{show_path(script.path)}: in the ledger statements or at commit (a deferred constraint?).")
    else:
        column = f":{place.column}" if place.column else ""
        parts.append(f"{show_path(script.path)}:{place.line}{column}")
        if place.column is not None:
            parts.append(code_frame(script.padded, place.line, place.column))
        else:
            parts.append(_numbered(place))
    if error.detail:
        parts.append(without_values(error.detail))
    if error.context:
        parts.append(f"Context: {without_values(error.context)}")
    parts.append(aftermath)
    return DbkitError(
        f"migration {migration} failed: {without_values(error.primary)} ({error.sqlstate})",
        detail="\n".join(part for part in parts if part),
        hint=hint or error.server_hint or "Correct the file and run the command again.",
    )


def without_values(text: str) -> str:
    """A server message without the values of rows: they may belong to a tenant, and logs are read by others."""
    return _ROW_VALUES.sub(lambda match: f"{match[1]}(…)", text)


def _numbered(place: Place) -> str:
    lines = place.statement.split("\n")
    shown = [f"{place.line + number:>5} | {text}" for number, text in enumerate(lines[:_SHOWN_LINES])]
    if len(lines) > _SHOWN_LINES:
        shown.append(f"      | … {len(lines) - _SHOWN_LINES} more lines")
    return "\n".join(shown)

"""Run one SQL file over one connection, statement by statement, as `psql -X -q -At -v ON_ERROR_STOP=1 -f` would.

Sending each statement by itself is what gives every TAP line the file and line it came from. Backslash commands are
carried out here; a file with one that only psql can do raises NeedsPsql, and the worker gives it to psql.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.report import Location
from dbkit.sqltext import split
from dbkit.tap.exchange import Exchange
from dbkit.tap.pgtap import Pgtap
from dbkit.tap.psql_commands import Commands, EndOfFile
from dbkit.tap.psql_script import (
    CREATE_PGTAP,
    Branches,
    read_sql,
    refuse_foreign,
    sent_by_command,
    statements_of,
)
from dbkit.tap.psql_state import Explain, PsqlState
from dbkit.tap.psql_variables import PsqlError, interpolate
from dbkit.tap.transcript import Transcript

if TYPE_CHECKING:
    import psycopg

__all__ = ["NeedsCare", "run_file"]

# Outside of these, statements of an open transaction may be sent together: what they mean does not depend on it.
_SENT_ALONE = re.compile(
    r"(?:abort|begin|commit|copy|create\s+extension|discard|end|prepare\s+transaction|release|reset|rollback|savepoint|set"
    r"|start)\b",
    re.IGNORECASE,
)
# These open a transaction with the statements after them, and close one with those before.
_OPENS = re.compile(r"(?:begin|start\s+transaction)\b", re.IGNORECASE)
_CLOSES = re.compile(r"(?:abort|rollback)(?:\s+(?:work|transaction))?\s*\Z", re.IGNORECASE)
_MAY_REFER = re.compile(r"""(?<!:):[\w'"{]""")
# Commands after which a savepoint of ours must not be released: it may be gone.
_SAVEPOINT_TAGS = (b"SAVEPOINT", b"RELEASE", b"ROLLBACK")
_SAVEPOINT = b"pg_psql_temporary_savepoint"


class NeedsCare(Exception):
    """Statements were sent together and one of them failed: the file must be run again, one at a time."""


class _Stop(Exception):
    """The run ends with an exit code of psql: 2 connection lost, 3 an error under ON_ERROR_STOP."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def run_file(
    connection: psycopg.Connection[Any],
    path: Path,
    *,
    display: str | None = None,
    pgtap: Pgtap | None = None,
    explain: Explain | None = None,
    text: str | None = None,
    quick: bool = False,
) -> Transcript:
    """Run a file and say what it printed.

    Args:
        connection: in autocommit mode; left in whatever transaction state the file leaves.
        path: the file; relative includes start from its folder.
        display: its name in messages.
        pgtap: pgTAP as dbkit put it there, so that a file's own `create extension pgtap` does not fail over it.
        explain: see `Explain`.
        text: the SQL, when it is not read from `path`.
        quick: send the plain statements of a transaction together, which spares most round trips. Right for a file
            that passes; for any other NeedsCare is raised.

    Raises:
        NeedsPsql: the file uses what only psql does. Part of it may have run.
        NeedsCare: see `quick`. Part of the file has run.
    """
    state = PsqlState()
    try:
        with Exchange(connection, state.notice, state.out) as exchange:
            state.variables.values.update(exchange.predefined_variables())
            run = _Run(state, exchange, pgtap, explain, quick)
            run.file(path, display or str(path), read_sql(path) if text is None else text)
    except _Stop as stop:
        state.transcript.exit_code = stop.exit_code
    finally:
        state.transcript.close()
    return state.transcript


class _Run:
    """The statements of one file and its includes, on their way to the server."""

    def __init__(
        self, state: PsqlState, exchange: Exchange, pgtap: Pgtap | None, explain: Explain | None, quick: bool
    ) -> None:
        self._state = state
        self._exchange = exchange
        self._commands = Commands(state, exchange, self._sql_for_command, self._include)
        self._pgtap = pgtap
        self._explain = explain
        self._quick = quick
        self._waiting: list[tuple[str, Location]] = []  # statements to be sent together

    # -- a file and its statements -------------------------------------------------------------------------------

    def file(self, path: Path, display: str, text: str) -> None:
        """Run a file, or one that it includes."""
        state = self._state
        statements = statements_of(text)
        refuse_foreign(statements)
        outer_place, branches = state.place, Branches()
        try:
            for number, statement in enumerate(statements):
                state.place = Location(display, statement.line)
                if statement.kind == "meta":
                    self._flush()
                    before = statements[number - 1] if number else None
                    try:
                        self._commands.line(statement.text, before, branches, path)
                    except PsqlError as error:
                        self._command_failed(error)
                elif branches.active and not sent_by_command(statements, number):
                    self._sql(statement.text, statement.data)
        except EndOfFile:
            pass
        self._flush()
        if branches.depth:
            state.err("error: reached EOF without finding closing \\endif(s)")
        state.place = outer_place

    def _include(self, path: Path, text: str) -> None:
        self.file(path, os.path.relpath(path) if path.is_absolute() else os.path.normpath(path), text)

    def _command_failed(self, error: PsqlError) -> None:
        self._state.fail(f"error: {error}")
        if self._state.variables.error_stop:
            raise _Stop(3) from None

    def _sql_for_command(self, text: str, gset: str | None) -> None:
        self._sql(text, gset=gset)

    def _sql(self, text: str, data: str | None = None, gset: str | None = None) -> None:
        if self._waiting and _MAY_REFER.search(text):
            self._flush()  # it may refer to what the waiting ones set, such as :ROW_COUNT
        expanded = interpolate(text, self._state.variables, self._exchange.quote)
        pieces = [text]
        if expanded != text:
            # a value may bring its own semicolons; psql would see them too
            pieces = [piece.text for piece in split(expanded)]
        for piece in pieces:
            if self._quick and data is None and gset is None and self._may_wait(piece):
                self._waiting.append((piece, self._state.place))
                if _CLOSES.match(piece):
                    self._flush()
            else:
                self._flush()
                self._query(piece, data, gset)

    # -- together ------------------------------------------------------------------------------------------------

    def _may_wait(self, text: str) -> bool:
        """May a statement be sent together with those around it? Only within one transaction, from its start on."""
        if "\\;" in text or self._state.timing:
            return False
        if not self._waiting and not self._exchange.in_transaction:
            return bool(_OPENS.match(text)) and self._exchange.idle
        return bool(_CLOSES.match(text)) or not _SENT_ALONE.match(text)

    def _flush(self) -> None:
        """Send the waiting statements as one query string; inside a transaction the server stops at the first error."""
        if not self._waiting:
            return
        state = self._state
        waiting, self._waiting = self._waiting, []
        here, state.place = state.place, waiting[0][1]
        done, failed, state.not_ok = 0, False, False
        begun = time.perf_counter()
        # on lines of their own: a statement may end in a comment
        for result in self._exchange.results("\n;\n".join(text for text, _ in waiting)):
            if done < len(waiting):
                text, state.place = waiting[done]
                state.sends(text)
                now = time.perf_counter()
                begun, state.seconds = now, now - begun
                failed |= not state.record(result, text, self._exchange)
            done += 1
            state.place = waiting[min(done, len(waiting) - 1)][1]
        if failed or state.not_ok or done != len(waiting):
            raise NeedsCare
        state.last_query, state.place = waiting[-1][0], here
        self._print_notifications()

    # -- alone ---------------------------------------------------------------------------------------------------

    def _query(self, text: str, data: str | None, gset: str | None) -> None:
        state, exchange = self._state, self._exchange
        state.last_query = text
        state.sends(text)
        if self._pgtap is not None and CREATE_PGTAP.match(text) and self._already_there(text, self._pgtap):
            return
        savepoint = state.variables.error_rollback and exchange.in_transaction
        if savepoint:
            exchange.execute(b"savepoint " + _SAVEPOINT)
        begun = time.perf_counter()
        results = list(exchange.results(text.replace("\\;", ";"), data))  # a rule or `\;` gives several
        state.seconds = time.perf_counter() - begun
        recorded = [state.record(result, text, exchange, gset=gset, explain=self._explain) for result in results]
        if exchange.lost:
            if all(recorded) or exchange.loss:
                state.fail((exchange.loss or exchange.error_message).rstrip("\n"))
            raise _Stop(2)
        if savepoint and results:
            self._end_savepoint(results[-1].command_status)
        if state.timing:
            state.out(f"Time: {state.seconds * 1000:.3f} ms\n")
        self._print_notifications()
        if not all(recorded) and state.variables.error_stop:
            raise _Stop(3)

    def _end_savepoint(self, tag: bytes | None) -> None:
        if self._exchange.in_failed_transaction:
            self._exchange.execute(b"rollback to " + _SAVEPOINT)
        elif self._exchange.in_transaction and tag not in _SAVEPOINT_TAGS:
            self._exchange.execute(b"release " + _SAVEPOINT)

    def _already_there(self, sql: str, pgtap: Pgtap) -> bool:
        """A file's own `create extension pgtap` after dbkit put pgTAP there. True: nothing left to do."""
        match = CREATE_PGTAP.match(sql)
        assert match is not None
        if not pgtap.extension:
            self._state.err("NOTICE:  pgTAP is already loaded, extension skipped")
            return True
        if match["lenient"] is None:
            # The file expects to be the one that creates it.
            self._exchange.execute(b"drop extension if exists pgtap cascade")
        return False

    def _print_notifications(self) -> None:
        for text in self._exchange.notifications():
            self._state.out(text)

"""Run one SQL file over one connection, statement by statement, as `psql -X -q -At -v ON_ERROR_STOP=1 -f` would.

Sending each statement by itself is what gives every TAP line the file and line it came from. Backslash commands are
carried out here; a file with one that only psql can do raises NeedsPsql, and the runner gives it to psql.
"""

from __future__ import annotations

import os
import re
import selectors
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.report import Location
from dbkit.sqltext import Statement, split
from dbkit.tap.pgtap import Pgtap
from dbkit.tap.psql_output import PrintOptions, format_rows, quoted_value
from dbkit.tap.psql_script import (
    BRANCHING,
    COMMAND,
    CREATE_PGTAP,
    NATIVE,
    SENDING,
    Branches,
    read_sql,
    refuse_foreign,
    sent_by_command,
    statements_of,
)
from dbkit.tap.psql_variables import NeedsPsql, PsqlError, Variables, arguments, interpolate, parse_bool
from dbkit.tap.transcript import Failure, Transcript

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGresult

__all__ = ["Explain", "NeedsCare", "run_file"]

# Called after a statement that printed "not ok", with its SQL, the lines it printed, and where the file's own functions
# have the first line of their bodies. Gives explanations: index of the printed line, text, and a better place if known.
Explain = Callable[[str, list[str], Mapping[str, Location]], list[tuple[int, str, Location | None]]]

_CREATE_FUNCTION = re.compile(r'create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+([\w."]+)', re.IGNORECASE)
_DOLLAR_BODY = re.compile(r"\bas\s+(\$\w*\$)", re.IGNORECASE)
# Commands after which a savepoint of ours must not be released: it may be gone.
_SAVEPOINT_TAGS = (b"SAVEPOINT", b"RELEASE", b"ROLLBACK")
_SAVEPOINT = b"pg_psql_temporary_savepoint"


# Outside of these, statements of an open transaction may be sent together: what they mean does not depend on it.
_SENT_ALONE = re.compile(
    r"(?:abort|begin|commit|copy|create\s+extension|discard|end|prepare\s+transaction|release|reset|rollback|savepoint|set"
    r"|start)\b",
    re.IGNORECASE,
)
_MAY_REFER = re.compile(r"""(?<!:):[\w'"{]""")


class NeedsCare(Exception):
    """Statements were sent together and one of them failed: the file must be run again, one at a time."""


class _Stop(Exception):
    """ON_ERROR_STOP ended the run."""


class _EndOfFile(Exception):
    r"""`\q`: ends the file it stands in."""


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
    run = _Run(connection, pgtap, explain, quick)
    return run.everything(path, display or str(path), text)


class _Run:
    """State of one run: psql's variables, print options, and the transcript."""

    def __init__(
        self, connection: psycopg.Connection[Any], pgtap: Pgtap | None, explain: Explain | None, quick: bool
    ) -> None:
        from psycopg import OperationalError, pq

        self._pq = pq
        self._operational_error = OperationalError
        self.pgconn = connection.pgconn
        self.variables = Variables(self._predefined())
        self.print = PrintOptions()
        self.timing = False
        self._selector = selectors.DefaultSelector()
        self.transcript = Transcript()
        self.last_query = ""
        self._pgtap = pgtap
        self._explain = explain
        self._place = Location("", 0)
        self._raw_words = ""
        self._quick = quick
        self._waiting: list[tuple[str, Location]] = []  # statements to be sent together
        self._together = False
        self._failed_together = False
        self._bodies: dict[str, Location] = {}
        self._seconds = 0.0
        self._loss = ""  # why the connection is gone
        self._copied_out = False  # psql prints no "COPY 3" after rows it printed itself

    def everything(self, path: Path, display: str, text: str | None) -> Transcript:
        self._selector.register(self.pgconn.socket, selectors.EVENT_READ)
        previous = self.pgconn.notice_handler
        self.pgconn.notice_handler = self._notice
        try:
            self._file(path, display, read_sql(path) if text is None else text)
        except _Stop as stop:
            self.transcript.exit_code = int(str(stop))
        finally:
            self.pgconn.notice_handler = previous
            self._selector.close()
            self.transcript.close()
        return self.transcript

    # -- files and statements ------------------------------------------------------------------------------------

    def _file(self, path: Path, display: str, text: str) -> None:
        statements = statements_of(text)
        refuse_foreign(statements)
        outer_place, branches = self._place, Branches()
        try:
            for number, statement in enumerate(statements):
                self._place = Location(display, statement.line)
                if statement.kind == "meta":
                    before = statements[number - 1] if number else None
                    self._meta(statement.text, before, branches, path)
                elif branches.active and not sent_by_command(statements, number):
                    self._sql(statement.text, statement.data)
        except _EndOfFile:
            pass
        self._flush()
        if branches.depth:
            self._complain("error: reached EOF without finding closing \\endif(s)")
        self._place = outer_place

    def _sql(self, text: str, data: str | None = None, gset: str | None = None) -> None:
        if self._waiting and _MAY_REFER.search(text):
            self._flush()  # it may refer to what the waiting ones set, such as :ROW_COUNT
        expanded = interpolate(text, self.variables, self._quote)
        pieces = [text]
        if expanded != text:
            # a value may bring its own semicolons; psql would see them too
            pieces = [piece.text for piece in split(expanded)]
        for piece in pieces:
            if self._quick and data is None and gset is None and self._may_wait(piece):
                self._waiting.append((piece, self._place))
            else:
                self._flush()
                self._query(piece, data, gset)

    def _may_wait(self, text: str) -> bool:
        """May a statement be sent together with those around it?"""
        if _SENT_ALONE.match(text) or "\\;" in text or self.timing:
            return False
        return bool(self._waiting) or self._status() == self._pq.TransactionStatus.INTRANS

    def _flush(self) -> None:
        """Send the waiting statements as one query string; inside a transaction the server stops at the first error."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        here, self._place = self._place, waiting[0][1]
        done, self._together = 0, True
        begun = time.perf_counter()
        # on lines of their own: a statement may end in a comment
        self.pgconn.send_query(_encode("\n;\n".join(text for text, _ in waiting)))
        while (result := self._next_result()) is not None:
            if done < len(waiting):
                text, self._place = waiting[done]
                if text[:6].lower() == "create":
                    self._remember_body(text)
                now = time.perf_counter()
                begun, self._seconds = now, now - begun
                if not self._result(result, text, None):
                    self._failed_together = True
            done += 1
            self._place = waiting[min(done, len(waiting) - 1)][1]
        self._together = False
        if self._failed_together or done != len(waiting):
            raise NeedsCare
        self.last_query, self._place = waiting[-1][0], here
        self._notifications()

    def _query(self, text: str, data: str | None, gset: str | None) -> None:
        self.last_query = text
        if text[:6].lower() == "create":
            self._remember_body(text)
        if self._pgtap is not None and CREATE_PGTAP.match(text) and self._already_there(text):
            return
        savepoint = self.variables.error_rollback and self._status() == self._pq.TransactionStatus.INTRANS
        if savepoint:
            self.pgconn.exec_(b"savepoint " + _SAVEPOINT)
        begun = time.perf_counter()
        results = self._send(text, data)
        self._seconds = time.perf_counter() - begun
        failed = [self._result(result, text, gset) for result in results].count(False) > 0
        if self.pgconn.status == self._pq.ConnStatus.BAD:
            if not failed or self._loss:
                self._fail(self._loss or _decode(self.pgconn.error_message).rstrip("\n"), None)
            raise _Stop("2")
        if savepoint and results:
            self._end_savepoint(results[-1])
        if self.timing:
            self.transcript.out(f"Time: {self._seconds * 1000:.3f} ms\n", self._place)
        self._notifications()
        if failed and self.variables.error_stop:
            raise _Stop("3")

    def _send(self, text: str, data: str | None) -> list[PGresult]:
        """All results of one query string (a rule or `\\;` gives several), COPY done on the way."""
        status = self._pq.ExecStatus
        self._copied_out = False
        self.pgconn.send_query(_encode(text.replace("\\;", ";")))
        results: list[PGresult] = []
        while (result := self._next_result()) is not None:
            if result.status == status.COPY_IN:
                self._copy_in(data)
            elif result.status == status.COPY_OUT:
                self._copy_out()
                self._copied_out = True
            else:
                results.append(result)
        return results

    def _next_result(self) -> PGresult | None:
        """The next result, waiting outside of libpq so that other workers run meanwhile."""
        pgconn = self.pgconn
        while pgconn.is_busy():
            self._selector.select()
            try:
                pgconn.consume_input()
            except self._operational_error as error:
                self._loss = "FATAL:  " + str(error).removeprefix("consuming input failed: ")
                break
        return pgconn.get_result()

    def _copy_in(self, data: str | None) -> None:
        if data:
            self.pgconn.put_copy_data(_encode(data))
        self.pgconn.put_copy_end()

    def _copy_out(self) -> None:
        while True:
            size, row = self.pgconn.get_copy_data(0)
            if size < 0:
                return
            self.transcript.out(_decode(bytes(row)), self._place)

    def _result(self, result: PGresult, sql: str, gset: str | None) -> bool:
        """Print one result; False when it is an error."""
        status = result.status
        if status == self._pq.ExecStatus.TUPLES_OK:
            self._remember(rows=result.ntuples)
            if gset is not None:
                return self._store(result, gset)
            self._print(result, sql)
            return True
        if status in (self._pq.ExecStatus.COMMAND_OK, self._pq.ExecStatus.EMPTY_QUERY):
            tag = result.command_status or b""
            self._remember(rows=result.command_tuples or 0)
            if tag == b"COMMIT" or (
                tag[:3] in (b"INS", b"UPD", b"DEL", b"MER", b"CRE", b"ALT", b"DRO")
                and self._status() == self._pq.TransactionStatus.IDLE
            ):
                self.transcript.committed = True
            if not self.variables.quiet and tag and not self._copied_out:
                self.transcript.out(_decode(tag) + "\n", self._place)
            return True
        self._error(result, sql)
        return False

    def _print(self, result: PGresult, sql: str) -> None:
        columns = [_decode(result.fname(column) or b"") for column in range(result.nfields)]
        rows = _rows(result)
        text = format_rows(columns, rows, self.print)
        first = len(self.transcript.lines)
        self.transcript.out(text, self._place, self._seconds)
        tag = result.command_status or b""
        if not self.variables.quiet and tag[:6] in (b"INSERT", b"UPDATE", b"DELETE", b"MERGE "):
            self.transcript.out(_decode(tag) + "\n", self._place)
        if self._together:
            self._failed_together = self._failed_together or "not ok" in text
        elif self._explain is not None and "not ok" in text:
            printed = [line.text for line in self.transcript.lines[first:]]
            for index, detail, place in reversed(self._explain(sql, printed, self._bodies)):
                self.transcript.detail(first + index + 1, detail, place)

    def _remember_body(self, sql: str) -> None:
        """Where a function's body begins, to turn "line 3 of the function" into a line of the file."""
        created, body = _CREATE_FUNCTION.match(sql), _DOLLAR_BODY.search(sql)
        if created and body:
            name = created[1].replace('"', "")
            self._bodies[name] = Location(self._place.file, self._place.line + sql.count("\n", 0, body.start(1)))

    def _store(self, result: PGresult, prefix: str) -> bool:
        r"""`\gset`: one row into variables."""
        if result.ntuples != 1:
            problem = "more than one row" if result.ntuples else "no rows"
            self._fail(f"error: {problem} returned for \\gset", None)
            return False
        for column in range(result.nfields):
            name = prefix + _decode(result.fname(column) or b"")
            value = result.get_value(0, column)
            if value is None:
                self.variables.unset(name)
            else:
                try:
                    self.variables.set(name, _decode(bytes(value)))
                except PsqlError as error:
                    self._fail(f"error: {error}", None)
                    return False
        return True

    # -- errors and messages -------------------------------------------------------------------------------------

    def _error(self, result: PGresult, sql: str) -> None:
        field = self._pq.DiagnosticField
        state = _decode(result.error_field(field.SQLSTATE) or b"")
        primary = _decode(result.error_field(field.MESSAGE_PRIMARY) or b"")
        position = result.error_field(field.STATEMENT_POSITION)
        place = self._place
        if position:
            place = Location(place.file, place.line + sql.count("\n", 0, int(position) - 1))
        self.variables.values.update(
            ERROR="true", SQLSTATE=state, ROW_COUNT="0", LAST_ERROR_MESSAGE=primary, LAST_ERROR_SQLSTATE=state
        )
        message = _decode(result.error_message) or _decode(self.pgconn.error_message)
        self._fail(message.rstrip("\n"), state or None, place)

    def _remember(self, rows: int) -> None:
        self.variables.values.update(ERROR="false", SQLSTATE="00000", ROW_COUNT=str(rows))

    def _fail(self, message: str, sqlstate: str | None, place: Location | None = None) -> None:
        place = place or self._place
        self.transcript.failures.append(Failure(message, place, sqlstate))
        self.transcript.err(f"psql:{place}: {message}", place)

    def _complain(self, message: str) -> None:
        self.transcript.err(f"psql:{self._place}: {message}", self._place)

    def _notice(self, result: PGresult) -> None:
        self._complain(_decode(result.error_message).rstrip("\n"))

    def _notifications(self) -> None:
        while (received := self.pgconn.notifies()) is not None:
            payload = f' with payload "{_decode(received.extra)}"' if received.extra else ""
            self.transcript.out(
                f'Asynchronous notification "{_decode(received.relname)}"{payload} '
                f"received from server process with PID {received.be_pid}.\n",
                self._place,
            )

    def _end_savepoint(self, last: PGresult) -> None:
        status = self._status()
        if status == self._pq.TransactionStatus.INERROR:
            self.pgconn.exec_(b"rollback to " + _SAVEPOINT)
        elif status == self._pq.TransactionStatus.INTRANS and last.command_status not in _SAVEPOINT_TAGS:
            self.pgconn.exec_(b"release " + _SAVEPOINT)

    def _already_there(self, sql: str) -> bool:
        """A file's own `create extension pgtap` after dbkit put pgTAP there. True: nothing left to do."""
        match = CREATE_PGTAP.match(sql)
        assert match is not None and self._pgtap is not None
        if not self._pgtap.extension:
            self._complain("NOTICE:  pgTAP is already loaded, extension skipped")
            return True
        if match["lenient"] is None:
            # The file expects to be the one that creates it.
            self.pgconn.exec_(b"drop extension if exists pgtap cascade")
        return False

    # -- backslash commands --------------------------------------------------------------------------------------

    def _meta(self, text: str, before: Statement | None, branches: Branches, path: Path) -> None:
        """One line of commands; `before` is the statement they may send."""
        self._flush()
        try:
            while text.startswith("\\"):
                match = COMMAND.match(text)
                assert match is not None
                self._raw_words = match[2].lstrip()
                words, text = arguments(match[2], self.variables, self._quote)
                name = match[1]
                if name in BRANCHING:
                    branches.command(name, words, self._complain)
                elif branches.active:
                    self._command(name, words, before, path)
        except PsqlError as error:
            self._fail(f"error: {error}", None)
            if self.variables.error_stop:
                raise _Stop("3") from None

    def _command(self, name: str, words: list[str], before: Statement | None, path: Path) -> None:
        if name not in NATIVE:
            raise NeedsPsql(f"\\{name}")
        first = words[0] if words else None
        if name in SENDING:
            self._send_buffer(name, words, before)
        elif name == "set":
            if first is None:
                raise NeedsPsql("\\set without a name")
            self.variables.set(first, "".join(words[1:]))
        elif name == "unset":
            if first is None:
                raise PsqlError("\\unset: missing required argument")
            self.variables.unset(first)
        elif name in ("echo", "qecho", "warn"):
            self._echo(name, words)
        elif name in ("i", "include", "ir", "include_relative"):
            self._include(name, first, path)
        elif name in ("q", "quit"):
            raise _EndOfFile
        elif name == "encoding":
            if first is not None and self.pgconn.exec_(f"set client_encoding to '{first}'".encode()).status != 1:
                raise PsqlError(f"{first}: invalid encoding name or conversion procedure not found")
        elif name == "getenv":
            if len(words) != 2:
                raise PsqlError("\\getenv: missing required argument")
            if words[1] in os.environ:
                self.variables.set(words[0], os.environ[words[1]])
        else:
            self._display_option(name, words)

    def _display_option(self, name: str, words: list[str]) -> None:
        first = words[0] if words else None
        if name == "timing":
            meaning = parse_bool(first)
            if first is not None and meaning is None:
                raise PsqlError(f'unrecognized value "{first}" for "\\timing": Boolean expected')
            self.timing = (not self.timing) if meaning is None else meaning
        elif name == "a":
            raise NeedsPsql("\\a")
        elif name == "pset":
            if first is None:
                raise NeedsPsql("\\pset without an option")
            self.print.pset(first, words[1] if len(words) > 1 else None)
        else:
            self.print.pset({"x": "expanded", "t": "tuples_only", "f": "fieldsep"}[name], first)

    def _send_buffer(self, name: str, words: list[str], before: Statement | None) -> None:
        r"""`\g`, `\gx`, `\gset`: send the statement in front of it, or the last one again."""
        pending = before is not None and before.kind == "sql" and not before.terminated
        query = before.text if before is not None and pending else self.last_query
        if name == "gset":
            self._sql(query, gset=words[0] if words else "")
            return
        if words:
            raise NeedsPsql(f"\\{name} with an argument")
        expanded, self.print.expanded = self.print.expanded, self.print.expanded or name == "gx"
        try:
            self._sql(query)
        finally:
            self.print.expanded = expanded

    def _echo(self, name: str, words: list[str]) -> None:
        newline = "\n"
        if words[:1] == ["-n"] and self._raw_words.startswith("-n"):  # quoted, it is a word like any other
            words, newline = words[1:], ""
        text = " ".join(words) + newline
        if name == "warn":
            self.transcript.err(text, self._place)
        else:
            self.transcript.out(text, self._place)

    def _include(self, name: str, target: str | None, path: Path) -> None:
        if target is None:
            raise PsqlError(f"\\{name}: missing required argument")
        if target.startswith("|"):
            raise NeedsPsql(f"\\{name} of a command")
        file = Path(target).expanduser()
        if name in ("ir", "include_relative") and not file.is_absolute():
            file = path.parent / file
        try:
            text = read_sql(file)
        except OSError as error:
            raise PsqlError(f"{file}: {error.strerror}") from None
        self._file(file, _display(file), text)

    # -- small helpers -------------------------------------------------------------------------------------------

    def _quote(self, form: str, value: str) -> str:
        return quoted_value(self.pgconn, form, value)

    def _status(self) -> int:
        return self.pgconn.transaction_status

    def _predefined(self) -> dict[str, str]:
        connection, number = self.pgconn, self.pgconn.server_version
        version = _decode(connection.parameter_status(b"server_version") or b"")
        return {
            "DBNAME": _decode(connection.db),
            "USER": _decode(connection.user),
            "HOST": _decode(connection.host),
            "PORT": _decode(connection.port),
            "ENCODING": _decode(connection.parameter_status(b"client_encoding") or b""),
            "SERVER_VERSION_NAME": version,
            "SERVER_VERSION_NUM": str(number),
            "VERSION_NUM": str(number),
            "VERSION_NAME": version,
        }


def _rows(result: PGresult) -> list[list[str | None]]:
    get, width = result.get_value, range(result.nfields)
    rows: list[list[str | None]] = []
    for row in range(result.ntuples):
        cells = [get(row, column) for column in width]
        rows.append([None if cell is None else _decode(bytes(cell)) for cell in cells])
    return rows


def _display(path: Path) -> str:
    return os.path.relpath(path) if path.is_absolute() else os.path.normpath(path)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")

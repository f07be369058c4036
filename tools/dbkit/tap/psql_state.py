"""What psql holds from statement to statement: variables, print options, the last query, and what it has printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dbkit.report import Location
from dbkit.tap.exchange import Exchange, decode
from dbkit.tap.psql_output import PrintOptions, format_rows
from dbkit.tap.psql_variables import PsqlError, Variables
from dbkit.tap.transcript import Failure, Transcript

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

__all__ = ["Explain", "PsqlState"]

# Called after a statement that printed "not ok", with its SQL, the lines it printed, and where the file's own functions
# have the first line of their bodies. Gives explanations: index of the printed line, text, and a better place if known.
Explain = Callable[[str, list[str], Mapping[str, Location]], list[tuple[int, str, Location | None]]]

_CREATE_FUNCTION = re.compile(r'create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+([\w."]+)', re.IGNORECASE)
_DOLLAR_BODY = re.compile(r"\bas\s+(\$\w*\$)", re.IGNORECASE)
# Beginnings of the command tags of statements that change something.
_WRITES = (b"INS", b"UPD", b"DEL", b"MER", b"CRE", b"ALT", b"DRO")


class PsqlState:
    r"""The state, and the transcript that grows with it.

    Attributes:
        variables: psql's own and the file's, with the settings that are variables too (ON_ERROR_STOP, QUIET).
        print: output options, as `\pset` sets them.
        timing: print how long each statement took.
        last_query: what `\g` sends again.
        place: the statement that runs.
        seconds: how long it took.
        transcript: everything printed so far.
        not_ok: "not ok" was printed.
    """

    def __init__(self) -> None:
        from psycopg import pq

        self.variables = Variables()
        self.print = PrintOptions()
        self.timing = False
        self.last_query = ""
        self.place = Location("", 0)
        self.seconds = 0.0
        self.transcript = Transcript()
        self.not_ok = False
        self._status, self._field = pq.ExecStatus, pq.DiagnosticField
        self._bodies: dict[str, Location] = {}

    def out(self, text: str) -> None:
        self.transcript.out(text, self.place)

    def err(self, text: str) -> None:
        """A warning or the like: psql says where."""
        self.transcript.err(f"psql:{self.place}: {text}", self.place)

    def fail(self, message: str, sqlstate: str | None = None, place: Location | None = None) -> None:
        """An error of the server or of a psql command."""
        place = place or self.place
        self.transcript.failures.append(Failure(message, place, sqlstate))
        self.transcript.err(f"psql:{place}: {message}", place)

    def sends(self, sql: str) -> None:
        """Note where the body of a function begins, to turn "line 3 of the function" into a line of the file."""
        if sql[:6].lower() != "create":
            return
        created, body = _CREATE_FUNCTION.match(sql), _DOLLAR_BODY.search(sql)
        if created and body:
            name = created[1].replace('"', "")
            self._bodies[name] = Location(self.place.file, self.place.line + sql.count("\n", 0, body.start(1)))

    def notice(self, result: PGresult) -> None:
        """A notice or warning of the server."""
        self.err(decode(result.error_message).rstrip("\n"))

    def record(
        self,
        result: PGresult,
        sql: str,
        exchange: Exchange,
        *,
        gset: str | None = None,
        explain: Explain | None = None,
    ) -> bool:
        r"""Print one result, or store it for `\gset`; False when it is an error.

        Args:
            exchange: where the result comes from.
            gset: prefix of the variables that take the row.
            explain: see `Explain`.
        """
        if result.status == self._status.TUPLES_OK:
            self._succeeded(rows=result.ntuples)
            if gset is not None:
                return self._store(result, gset)
            self._print(result, sql, explain)
            return True
        if result.status in (self._status.COMMAND_OK, self._status.EMPTY_QUERY):
            tag = result.command_status or b""
            self._succeeded(rows=result.command_tuples or 0)
            if tag == b"COMMIT" or (tag[:3] in _WRITES and exchange.idle):
                self.transcript.committed = True
            if not self.variables.quiet and tag and not exchange.copied_out:
                self.out(decode(tag) + "\n")
            return True
        self._error(result, sql, decode(result.error_message) or exchange.error_message)
        return False

    def _print(self, result: PGresult, sql: str, explain: Explain | None) -> None:
        columns = [decode(result.fname(column) or b"") for column in range(result.nfields)]
        text = format_rows(columns, _rows(result), self.print)
        first = len(self.transcript.lines)
        self.transcript.out(text, self.place, self.seconds)
        tag = result.command_status or b""
        if not self.variables.quiet and tag[:6] in (b"INSERT", b"UPDATE", b"DELETE", b"MERGE "):
            self.out(decode(tag) + "\n")
        if "not ok" not in text:
            return
        self.not_ok = True
        if explain is not None:
            printed = [line.text for line in self.transcript.lines[first:]]
            for index, detail, place in reversed(explain(sql, printed, self._bodies)):
                self.transcript.detail(first + index + 1, detail, place)

    def _store(self, result: PGresult, prefix: str) -> bool:
        r"""`\gset`: one row into variables."""
        if result.ntuples != 1:
            problem = "more than one row" if result.ntuples else "no rows"
            self.fail(f"error: {problem} returned for \\gset")
            return False
        for column in range(result.nfields):
            name = prefix + decode(result.fname(column) or b"")
            value = result.get_value(0, column)
            if value is None:
                self.variables.unset(name)
            else:
                try:
                    self.variables.set(name, decode(bytes(value)))
                except PsqlError as error:
                    self.fail(f"error: {error}")
                    return False
        return True

    def _succeeded(self, rows: int) -> None:
        self.variables.values.update(ERROR="false", SQLSTATE="00000", ROW_COUNT=str(rows))

    def _error(self, result: PGresult, sql: str, message: str) -> None:
        state = decode(result.error_field(self._field.SQLSTATE) or b"")
        primary = decode(result.error_field(self._field.MESSAGE_PRIMARY) or b"")
        position = result.error_field(self._field.STATEMENT_POSITION)
        place = self.place
        if position:
            place = Location(place.file, place.line + sql.count("\n", 0, int(position) - 1))
        self.variables.values.update(
            ERROR="true", SQLSTATE=state, ROW_COUNT="0", LAST_ERROR_MESSAGE=primary, LAST_ERROR_SQLSTATE=state
        )
        self.fail(message.rstrip("\n"), state or None, place)


def _rows(result: PGresult) -> list[list[str | None]]:
    get, width = result.get_value, range(result.nfields)
    rows: list[list[str | None]] = []
    for row in range(result.ntuples):
        cells = [get(row, column) for column in width]
        rows.append([None if cell is None else decode(bytes(cell)) for cell in cells])
    return rows

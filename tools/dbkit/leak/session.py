"""One raw connection of the proof: run SQL text, get back rows as text or the server's refusal, never an exception.

The proof sends tens of thousands of small statements, most of which are meant to be refused, and compares values as
text; so it talks to libpq directly instead of through a cursor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from dbkit.errors import DbkitError

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

__all__ = ["Outcome", "Session"]

Row = tuple[str | None, ...]

_STATEMENT_TIMEOUT = "15s"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server answered to the last statement of a text.

    Attributes:
        rows: rows returned, every value as text; lines of COPY TO are split into their columns.
        affected: row count of the command tag, None where the command has none.
        sqlstate: set when the server refused; message, detail and the rest come with it.
    """

    rows: tuple[Row, ...] = ()
    affected: int | None = None
    sqlstate: str | None = None
    message: str = ""
    detail: str = ""
    context: str = ""
    constraint: str | None = None
    column: str | None = None
    datatype: str | None = None

    @property
    def refused(self) -> bool:
        return self.sqlstate is not None

    @property
    def no_privilege(self) -> bool:
        """Refused because no grant permits the statement, not because of a row."""
        return self.sqlstate == "42501" and self.message.startswith("permission denied")

    @property
    def row_refused(self) -> bool:
        """Refused by a row security policy."""
        return self.sqlstate == "42501" and "row-level security" in self.message

    def __str__(self) -> str:
        if self.refused:
            return f"{self.sqlstate} {self.message}"
        if self.affected is not None and not self.rows:
            return _count(self.affected)
        return _count(len(self.rows))


class Session:
    """A superuser connection to the disposable database; attacks put on other roles with SET SESSION AUTHORIZATION.

    Messages are in English whatever the server's locale, since refusals are told apart by their text where PostgreSQL
    gives them one SQLSTATE.

    Raises:
        DbkitError: the server does not answer.
    """

    # Only a superuser may choose lc_messages.
    _options = f"-c lc_messages=C -c client_min_messages=error -c statement_timeout={_STATEMENT_TIMEOUT}"

    def __init__(self, conninfo: str, settings: Mapping[str, str] | None = None) -> None:
        from psycopg import pq
        from psycopg.conninfo import make_conninfo

        given = (f" -c {name}={_escaped(value)}" for name, value in (settings or {}).items())
        options = self._options + "".join(given)
        self._connection: PGconn = pq.PGconn.connect(make_conninfo(conninfo, options=options).encode())
        if self._connection.status != pq.ConnStatus.OK:
            message = self._connection.error_message.decode(errors="replace").strip()
            raise DbkitError("cannot connect to the disposable database", detail=message)
        self._due: list[str] = []

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.finish()

    def run(self, *statements: str) -> Outcome:
        """Send the statements as one text; the outcome is that of the last, or of the first that is refused."""
        self._settle()
        outcome = self._outcome(self._connection.exec_(";\n".join(statements).encode()))
        self._require_open(statements)
        return outcome

    def run_each(self, *queries: str) -> list[Outcome]:
        """Send queries as one text; the outcome of each, up to the first that is refused. None of them may be COPY."""
        self._settle()
        self._connection.send_query(";\n".join(queries).encode())
        outcomes = []
        while (result := self._connection.get_result()) is not None:
            outcomes.append(self._outcome(result))
        self._require_open(queries)
        return outcomes

    def _settle(self) -> None:
        """Send what is due by itself: in one text with others a syntax error would keep it from being run."""
        if self._due:
            self.must()

    def _require_open(self, statements: tuple[str, ...]) -> None:
        from psycopg.pq import ConnStatus

        if self._connection.status != ConnStatus.OK:
            raise DbkitError("the disposable server closed the connection", detail=f"After: {statements[-1][:500]}")

    def must(self, *statements: str) -> Outcome:
        """Like `run`, for statements of the proof itself: a refusal is an error."""
        statements, self._due = (*self._due, *statements), []
        outcome = self.run(*statements)
        if outcome.refused:
            raise DbkitError(
                "a statement of the proof failed", detail=f"{outcome}. Statement: {'; '.join(statements)[:1000]}"
            )
        return outcome

    def later(self, *statements: str) -> None:
        """Like `must`, but sent with what comes next, which saves a round trip."""
        self._due += statements

    def _outcome(self, result: PGresult) -> Outcome:
        from psycopg.pq import DiagnosticField as Field
        from psycopg.pq import ExecStatus

        status = result.status
        if status == ExecStatus.TUPLES_OK:
            return Outcome(rows=tuple(_rows(result)), affected=result.command_tuples)
        if status in (ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY):
            return Outcome(affected=result.command_tuples)
        if status == ExecStatus.COPY_OUT:
            return self._copied()

        def text(part: Field) -> str:
            return (result.error_field(part) or b"").decode(errors="replace")

        return Outcome(
            sqlstate=text(Field.SQLSTATE) or "08006",
            message=text(Field.MESSAGE_PRIMARY) or result.error_message.decode(errors="replace"),
            detail=text(Field.MESSAGE_DETAIL),
            context=text(Field.CONTEXT),
            constraint=text(Field.CONSTRAINT_NAME) or None,
            column=text(Field.COLUMN_NAME) or None,
            datatype=text(Field.DATATYPE_NAME) or None,
        )

    def _copied(self) -> Outcome:
        lines: list[bytes] = []
        while True:
            size, data = self._connection.get_copy_data(0)
            if size < 0:
                break
            lines.append(bytes(data))
        last = Outcome()
        while (result := self._connection.get_result()) is not None:
            last = self._outcome(result)
        if last.refused:
            return last
        return Outcome(rows=tuple(_copy_rows(lines)), affected=len(lines))


def _escaped(value: str) -> str:
    """A value inside the `options` of a connection, where spaces and backslashes need one before them."""
    return "".join(f"\\{letter}" if letter in "\\ \t\n" else letter for letter in value)


def _rows(result: PGresult) -> Iterable[Row]:
    for row in range(result.ntuples):
        values = (result.get_value(row, column) for column in range(result.nfields))
        yield tuple(None if value is None else value.decode(errors="replace") for value in values)


_COPY_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


def _copy_rows(lines: Iterable[bytes]) -> Iterable[Row]:
    for line in lines:
        yield tuple(_copy_value(value) for value in line.decode(errors="replace").rstrip("\n").split("\t"))


def _copy_value(value: str) -> str | None:
    if value == "\\N":
        return None
    if "\\" not in value:
        return value
    parts, position = [], 0
    while position < len(value):
        if value[position] == "\\" and position + 1 < len(value):
            parts.append(_COPY_ESCAPES.get(value[position + 1], value[position + 1]))
            position += 2
        else:
            parts.append(value[position])
            position += 1
    return "".join(parts)


def _count(number: int) -> str:
    return f"{number} row" + ("" if number == 1 else "s")

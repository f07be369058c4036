"""Rows of a CSV file into an SQL function that takes arrays: `rental.bulk_invite_tenants` and its kind.

Such a function takes a jsonb array of up to 100 objects, whose keys are the names of the header, and returns
`{total, successful, failed, results: {success[], failed[]}}` with the number of each row. Chunks go there in one
transaction each, under an idempotency key made of the file's digest: a run that was killed is started again as it was,
chunks that are in the database already answer from there, and the report is complete either way. Outcomes wait for the
report in temporary files: a file of any size is imported in the same memory.
"""

from __future__ import annotations

import csv
import heapq
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from dbkit.conninfo import cannot_connect
from dbkit.csv_file import CsvFile, Row
from dbkit.errors import DbkitError

if TYPE_CHECKING:
    import psycopg

__all__ = ["CHUNK", "Caller", "ImportResult", "RowOutcome", "import_csv", "write_report"]

# What the functions take at most.
CHUNK = 100
# Other sessions in the way, a server that restarts: how often a chunk is tried, and the first pause in seconds.
_ATTEMPTS = 6
_PAUSE = 0.5
_RETRIED = ("40001", "40P01", "55P03")
_RATE_LIMITED = "PT429"

_NAME = re.compile(r"[a-z_][a-z0-9_$]*\.[a-z_][a-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf rows are written.

    Attributes:
        role: the database role row security binds.
    """

    user: str
    tenant: str
    role: str = "app_user"


class RowOutcome(NamedTuple):
    """What became of a row.

    Attributes:
        result: what the function says of it, its number left out.
        error: why it was refused, None where it was not.
    """

    line: int
    result: dict[str, Any]
    error: str | None


class ImportResult:
    """What became of a file, row by row in its order.

    Attributes:
        total: rows of the file.
        failed: rows that were refused.
        replayed: rows of an earlier run of the same file.
        names: what the function says of rows, in the order in which it came up.
    """

    def __init__(self, sent: IO[str], flawed: IO[str]) -> None:
        self.total = self.failed = self.replayed = 0
        self.names: dict[str, None] = {}
        self._sent = sent
        self._flawed = flawed

    def add(self, outcomes: list[RowOutcome], *, was_sent: bool) -> None:
        """Keep outcomes in the order of their lines: of rows that were sent, or that no database takes."""
        self.total += len(outcomes)
        self.failed += sum(outcome.error is not None for outcome in outcomes)
        for outcome in outcomes:
            self.names.update(dict.fromkeys(outcome.result))
        place = self._sent if was_sent else self._flawed
        try:
            place.write(json.dumps(outcomes) + "\n")
        except OSError as problem:
            raise DbkitError(
                "no room for what became of the rows",
                detail=f"{tempfile.gettempdir()}: {problem.strerror}.",
                hint="Set TMPDIR to a folder with more room and run the same command again.",
            ) from None

    def __iter__(self) -> Iterator[RowOutcome]:
        """Outcomes by line; one iteration at a time."""
        return heapq.merge(_kept(self._sent), _kept(self._flawed), key=attrgetter("line"))

    def refused(self) -> Iterator[RowOutcome]:
        """The outcomes that were refused, by line."""
        return (outcome for outcome in self if outcome.error is not None)


def _kept(place: IO[str]) -> Iterator[RowOutcome]:
    place.seek(0)
    for chunk in place:
        yield from map(RowOutcome._make, json.loads(chunk))


@contextmanager
def import_csv(
    conninfo: str,
    function: str,
    file: CsvFile,
    caller: Caller,
    *,
    chunk: int = CHUNK,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[ImportResult]:
    """Give a file's rows to a function, chunk by chunk; what became of them can be read inside the block.

    Args:
        function: qualified name; takes one jsonb array.
        progress: told the number of rows that are done.

    Raises:
        DbkitError: no such function, the caller is refused, the server is gone for good, or the function returns
            something else. What was imported stays, and the same run again goes on there.
    """
    if not _NAME.fullmatch(function):
        raise DbkitError(
            f"no function name: {function}", hint="Write schema and name, such as rental.bulk_invite_tenants."
        )
    with ExitStack() as stack:
        sent, flawed = (stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in range(2))
        result = ImportResult(sent, flawed)
        with _Connection(conninfo, file.count - file.flawed) as connection:
            connection.retried(partial(_begin, function=function, file=file, caller=caller, chunk=chunk))
            for part in _chunks(file, chunk, result):
                file.require_unchanged()
                answer, again = connection.retried(
                    partial(_send, function=function, file=file, caller=caller, part=part)
                )
                result.add(list(_outcomes(function, answer, part)), was_sent=True)
                result.replayed += len(part) if again else 0
                connection.done += len(part)
                progress(file.flawed + connection.done)
        yield result


def _chunks(file: CsvFile, size: int, result: ImportResult) -> Iterator[list[Row]]:
    """The rows to send, so many at a time; the others' flaws go into the result."""
    part: list[Row] = []
    for row in file:
        if row.values is None:
            result.add([RowOutcome(row.line, {}, row.flaw)], was_sent=False)
            continue
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _begin(
    connection: psycopg.Connection[Any], function: str, file: CsvFile, caller: Caller, chunk: int
) -> tuple[Any, bool]:
    """Remember how the file is cut: cut otherwise, chunks of an earlier run would not be known again.

    Raises:
        DbkitError: an earlier run has cut it otherwise.
    """
    import psycopg

    try:
        with _as_caller(connection, caller):
            return _once(connection, f"{function}:{file.digest}", {"chunk": chunk}, lambda: {})
    except psycopg.Error as problem:
        if problem.diag.message_primary != "idempotency_mismatch":
            raise
        raise DbkitError(
            "this file was begun with another --chunk",
            detail=f"Chunks of {chunk} rows would import rows again that an earlier run has imported.",
            hint=f"Give the same --chunk as then ({CHUNK} where none was given), or wait a day.",
        ) from None


def _send(
    connection: psycopg.Connection[Any], function: str, file: CsvFile, caller: Caller, part: list[Row]
) -> tuple[Any, bool]:
    """One chunk in one transaction: the function's answer, and whether it is that of an earlier run."""
    from psycopg.types.json import Jsonb

    values = [row.values for row in part]
    key = f"{function}:{file.digest}:{part[0].line}-{part[-1].line}"
    with _as_caller(connection, caller):
        # the name has been checked
        return _once(connection, key, values, lambda: _one(connection, f"select {function}(%s)", Jsonb(values)))


@contextmanager
def _as_caller(connection: psycopg.Connection[Any], caller: Caller) -> Iterator[None]:
    """A transaction on behalf of the caller."""
    from psycopg import sql

    with connection.transaction():
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(caller.role)))
        connection.execute("select core.set_context(%s, %s)", (caller.user, caller.tenant))
        yield


def _once(connection: psycopg.Connection[Any], key: str, request: Any, work: Callable[[], Any]) -> tuple[Any, bool]:
    """The answer of work that is done once under its key, and whether it was done before."""
    from psycopg.types.json import Jsonb

    known = _one(connection, "select core.idempotent_begin('import', %s, %s)", key, Jsonb(request))
    if known is not None:
        return known, True
    answer = work()
    connection.execute("select core.idempotent_finish('import', %s, %s)", (key, Jsonb(answer)))
    return answer, False


def _one(connection: psycopg.Connection[Any], statement: str, *values: Any) -> Any:
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


def _outcomes(function: str, answer: Any, part: list[Row]) -> Iterator[RowOutcome]:
    """A function's answer, by row."""
    try:
        told = [*answer["results"]["success"], *answer["results"]["failed"]]
        by_row = {item["row"]: item for item in told}
        if sorted(by_row) != list(range(1, len(part) + 1)):
            raise KeyError("row")
    except (KeyError, TypeError):
        raise DbkitError(
            f"{function} is no import function",
            detail=f"It answered {json.dumps(answer)[:200]} instead of one result for each of {len(part)} rows.",
            hint="It must return {results: {success: [{row, …}], failed: [{row, error, …}]}}, rows counted from 1.",
        ) from None
    for number, row in enumerate(part, 1):
        item = {name: value for name, value in by_row[number].items() if name not in ("row", "error")}
        yield RowOutcome(row.line, item, by_row[number].get("error"))


class _Connection:
    """A connection that is opened again when the server goes away between or in chunks.

    Attributes:
        done: rows that are through, of all `rows`; what is said where the import stops.
    """

    def __init__(self, conninfo: str, rows: int) -> None:
        self.done = 0
        self._rows = rows
        self._conninfo = conninfo
        self._open: psycopg.Connection[Any] | None = None

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.close()

    def retried(self, work: Callable[[psycopg.Connection[Any]], tuple[Any, bool]]) -> tuple[Any, bool]:
        """Do the work of one transaction, again where waiting may help."""
        import psycopg

        from dbkit.worker.client import connect

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                if self._open is None or self._open.closed:
                    self._open = connect(self._conninfo, "dbkit import")
                return work(self._open)
            except psycopg.Error as problem:
                if self._open is None:
                    raise cannot_connect(self._conninfo, str(problem)) from None
                pause = _pause(problem, attempt, lost=bool(self._open.closed))
                if pause is None or attempt == _ATTEMPTS:
                    raise _refused(problem, self.done, self._rows) from None
                time.sleep(pause)
        raise AssertionError("unreachable")


def _pause(problem: psycopg.Error, attempt: int, *, lost: bool) -> float | None:
    """Seconds to wait before another attempt, None where another fails alike."""
    if problem.sqlstate == _RATE_LIMITED:
        try:
            return max(float(json.loads(problem.diag.message_hint or "")["retry_after"]), _PAUSE)
        except (ValueError, KeyError, TypeError):
            return 60.0
    return _PAUSE * 2 ** (attempt - 1) if lost or problem.sqlstate in _RETRIED else None


def _refused(problem: psycopg.Error, done: int, rows: int) -> DbkitError:
    known = f" ({problem.sqlstate})" if problem.sqlstate else ""
    primary, detail = problem.diag.message_primary or str(problem).splitlines()[0], problem.diag.message_detail
    return DbkitError(
        f"import stopped: {primary}{known}",
        detail=(f"{detail} " if detail else "") + f"{done:,} of {rows:,} rows were through by then.",
        hint=_mend(problem, primary),
    )


def _mend(problem: psycopg.Error, primary: str) -> str:
    # Without a context it is a call of ours itself that names what is not there.
    if problem.sqlstate in ("42883", "3F000") and not problem.diag.context:
        if re.search(r'"core"|\bcore\.', primary):
            return "Name a database that has the module core, or bring it there: dbkit migrate apply core"
        return "Name an SQL function that takes the rows as one jsonb, such as rental.import_units."
    if re.match(r'role "|permission denied to set role', primary):
        return "Name with --role a role that the login is a member of."
    return "Mend the cause and run the same command again: it goes on where it stopped."


def write_report(path: Path, result: ImportResult) -> None:
    """Write what became of every row, as CSV: line, status, what the function says of it, error.

    Raises:
        DbkitError: the file cannot be written, or not to its end.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(["line", "status", *result.names, "error"])
            for outcome in result:
                values = [outcome.result.get(name) for name in result.names]
                status = "failed" if outcome.error else "imported"
                writer.writerow([outcome.line, status, *values, outcome.error or ""])
    except OSError as problem:
        raise DbkitError(
            "the import is done, but its report cannot be written",
            detail=f"{path}: {problem.strerror}. {result.total - result.failed:,} rows are imported,"
            f" {result.failed:,} were refused.",
            hint="Free some space, or name another file with --report, and run it again: no row is imported twice.",
        ) from None

"""Rows of a CSV file into an SQL function that takes arrays: `rental.bulk_invite_tenants` and its kind.

Such a function takes a jsonb array of up to 100 objects, whose keys are the names of the header, and returns
`{total, successful, failed, results: {success[], failed[]}}` with the number of each row. Chunks go there in one
transaction each, under an idempotency key made of the file's digest: a run that was killed is started again as it was,
chunks that are in the database already answer from there, and the report is complete either way.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.conninfo import cannot_connect
from dbkit.errors import DbkitError

if TYPE_CHECKING:
    import psycopg

__all__ = ["CHUNK", "Caller", "CsvFile", "ImportResult", "Row", "RowOutcome", "import_csv", "read_csv", "write_report"]

# What the functions take at most.
CHUNK = 100
# Other sessions in the way, a server that restarts: how often a chunk is tried, and the first pause in seconds.
_ATTEMPTS = 6
_PAUSE = 0.5
_RETRIED = ("40001", "40P01", "55P03")
_RATE_LIMITED = "PT429"

_NAME = re.compile(r"[a-z_][a-z0-9_$]*\.[a-z_][a-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class Row:
    """A data row of the file.

    Attributes:
        line: where it begins, from 1.
        values: by the names of the header; None where it has another number of fields.
    """

    line: int
    values: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file that was read.

    Attributes:
        digest: SHA-256 of its bytes, in hex.
    """

    path: Path
    header: list[str]
    rows: list[Row]
    digest: str


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf rows are written.

    Attributes:
        role: the database role row security binds.
    """

    user: str
    tenant: str
    role: str = "app_user"


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row.

    Attributes:
        result: what the function says of it, its number left out.
        error: why it was refused, None where it was not.
    """

    line: int
    result: dict[str, Any]
    error: str | None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file, row by row in its order.

    Attributes:
        replayed: rows of an earlier run of the same file.
    """

    outcomes: list[RowOutcome]
    replayed: int

    @property
    def failed(self) -> int:
        return sum(outcome.error is not None for outcome in self.outcomes)


def read_csv(path: Path) -> CsvFile:
    """Read a file with a header: UTF-8 with or without a mark, commas, quotes doubled.

    Raises:
        DbkitError: it cannot be read, is not UTF-8, or has no header, no rows, or a name twice.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as problem:
        raise DbkitError(
            f"cannot read {path}", detail=f"{problem.strerror}.", hint="Name a CSV file that can be read."
        ) from None
    except UnicodeDecodeError as problem:
        raise DbkitError(
            "file is not UTF-8",
            detail=f"{path}: byte {problem.start} is no UTF-8.",
            hint="Save it as UTF-8; spreadsheets call that CSV UTF-8.",
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        rows = list(_rows(reader, header))
    except csv.Error as problem:
        raise DbkitError("file is no CSV", detail=f"{path}:{reader.line_num}: {problem}.") from None
    if not any(header) or len(set(header)) < len(header) or "" in header:
        raise DbkitError(
            "file has no header",
            detail=f"{path}: the first line is {', '.join(header) or 'empty'}; each column needs a name of its own.",
            hint="Make the first line the names of the fields, such as firstName,lastName,email,unitId.",
        )
    if not rows:
        raise DbkitError("file has no rows", detail=f"{path} ends after its header.")
    return CsvFile(path, header, rows, hashlib.sha256(content).hexdigest())


def _rows(reader: Any, header: list[str]) -> Iterator[Row]:
    before = reader.line_num
    for fields in reader:
        if any(fields):  # a line of nothing is no row
            same = len(fields) == len(header)
            yield Row(before + 1, dict(zip(header, fields, strict=True)) if same else None)
        before = reader.line_num


def import_csv(
    conninfo: str,
    function: str,
    file: CsvFile,
    caller: Caller,
    *,
    chunk: int = CHUNK,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportResult:
    """Give a file's rows to a function, chunk by chunk.

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
    outcomes: dict[int, RowOutcome] = {
        row.line: RowOutcome(
            row.line, {}, f"The row has another number of fields than the header ({len(file.header)})."
        )
        for row in file.rows
        if row.values is None
    }
    rows = [row for row in file.rows if row.values is not None]
    replayed = 0
    with _Connection(conninfo) as connection:
        for start in range(0, len(rows), chunk):
            part = rows[start : start + chunk]
            answer, again = connection.retried(partial(_send, function=function, file=file, caller=caller, part=part))
            replayed += len(part) if again else 0
            for outcome in _outcomes(function, answer, part):
                outcomes[outcome.line] = outcome
            progress(len(outcomes))
    return ImportResult([outcomes[line] for line in sorted(outcomes)], replayed)


def _send(
    connection: psycopg.Connection[Any], function: str, file: CsvFile, caller: Caller, part: list[Row]
) -> tuple[Any, bool]:
    """One chunk in one transaction: the function's answer, and whether it is that of an earlier run."""
    from psycopg import sql
    from psycopg.types.json import Jsonb

    values = Jsonb([row.values for row in part])
    scope, key = "import", f"{function}:{file.digest}:{part[0].line}-{part[-1].line}"
    with connection.transaction():
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(caller.role)))
        connection.execute("select core.set_context(%s, %s)", (caller.user, caller.tenant))
        known = _one(connection, "select core.idempotent_begin(%s, %s, %s)", scope, key, values)
        if known is not None:
            return known, True
        answer = _one(connection, f"select {function}(%s)", values)  # the name has been checked
        connection.execute("select core.idempotent_finish(%s, %s, %s)", (scope, key, Jsonb(answer)))
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
    """A connection that is opened again when the server goes away between or in chunks."""

    def __init__(self, conninfo: str) -> None:
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

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                if self._open is None or self._open.closed:
                    self._open = psycopg.connect(self._conninfo, autocommit=True)
                return work(self._open)
            except psycopg.Error as problem:
                if self._open is None:
                    raise cannot_connect(self._conninfo, str(problem)) from None
                pause = _pause(problem, attempt, lost=bool(self._open.closed))
                if pause is None or attempt == _ATTEMPTS:
                    raise _refused(problem) from None
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


def _refused(problem: psycopg.Error) -> DbkitError:
    known = f" ({problem.sqlstate})" if problem.sqlstate else ""
    detail = problem.diag.message_detail
    # Without a context it is the call itself that names what is not there.
    unknown = problem.sqlstate in ("42883", "3F000") and not problem.diag.context
    return DbkitError(
        f"import stopped: {problem.diag.message_primary or str(problem).splitlines()[0]}{known}",
        detail=(f"{detail} " if detail else "") + "Chunks before this one are imported.",
        hint="Name an SQL function that takes the rows as one jsonb, such as rental.import_units."
        if unknown
        else "Mend the cause and run the same command again: it goes on where it stopped.",
    )


def write_report(path: Path, file: CsvFile, result: ImportResult) -> None:
    """Write what became of every row, as CSV: line, status, what the function says of it, error."""
    names = list(dict.fromkeys(name for outcome in result.outcomes for name in outcome.result))
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["line", "status", *names, "error"])
        for outcome in result.outcomes:
            values = [outcome.result.get(name) for name in names]
            writer.writerow([outcome.line, "failed" if outcome.error else "imported", *values, outcome.error or ""])

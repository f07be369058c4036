"""CSV files for `dbkit import`: checked as a whole before anything is imported, then read row by row.

A file is read twice and never kept: what it takes in memory does not depend on its size. Of a pipe, which can be read
once, there is a temporary copy.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from dbkit.errors import DbkitError

__all__ = ["CsvFile", "Row", "open_csv"]

_BLOCK = 1 << 20
# What else than commas spreadsheets write between fields.
_OTHER_MARKS = {";": "semicolons", "\t": "tabs", "|": "bars"}


class Row(NamedTuple):
    """A data row of the file.

    Attributes:
        line: where it begins, from 1.
        values: by the names of the header; None for a row that no database takes.
        flaw: why not.
    """

    line: int
    values: dict[str, str] | None
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class CsvFile:
    """An open file that was checked; iterating reads its rows anew.

    Attributes:
        digest: SHA-256 of its bytes, in hex.
        count: how many rows it has.
        flawed: how many of them no database takes.
        content: at the disposal of the iteration.
        stamp: size and time of the last change when it was checked.
    """

    path: Path
    header: list[str]
    digest: str
    count: int
    flawed: int
    content: IO[bytes]
    stamp: tuple[int, int]

    def __iter__(self) -> Iterator[Row]:
        """Its rows, in order; one iteration at a time."""
        records = _records(self.path, self.content)
        next(records)
        return _rows(records, self.header)

    def require_unchanged(self) -> None:
        """Raises DbkitError where somebody has written to the file since it was checked."""
        if _stamp(self.content) != self.stamp:
            raise DbkitError(
                "file changed while it was imported",
                detail=f"{self.path} is not what it was when the import began. What was imported stays.",
                hint="Import a file that nobody writes to. With other content it counts as another file: leave out the"
                " rows that are in.",
            )


@contextmanager
def open_csv(path: Path) -> Iterator[CsvFile]:
    """Open and check a file with a header: UTF-8 with or without a mark, commas, quotes doubled.

    Raises:
        DbkitError: it cannot be read, is not UTF-8, is separated by something else than commas, or has no header, no
            rows, or a name twice.
    """
    with ExitStack() as stack:
        try:
            content: IO[bytes] = stack.enter_context(path.open("rb"))
            if not content.seekable():
                copy = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(content, copy, _BLOCK)
                copy.flush()  # or its time of change would come later
                content = copy
        except OSError as problem:
            raise _unreadable(path, problem) from None
        yield _checked(path, content)


def _checked(path: Path, content: IO[bytes]) -> CsvFile:
    stamp = _stamp(content)
    records = _records(path, content)
    header = [name.strip() for name in next(records, (1, []))[1]]
    count = flawed = 0
    for _, fields in records:
        if any(fields):
            count += 1
            flawed += _flaw(fields, len(header)) is not None
    if len(header) == 1 and (found := [name for mark, name in _OTHER_MARKS.items() if mark in header[0]]):
        raise DbkitError(
            "file is not separated by commas",
            detail=f"{path}: its first line is separated by {found[0]}.",
            hint="Save it with commas; spreadsheets follow the country's settings unless told.",
        )
    if not any(header) or len(set(header)) < len(header) or "" in header:
        raise DbkitError(
            "file has no header",
            detail=f"{path}: the first line is {', '.join(header) or 'empty'}; each column needs a name of its own.",
            hint="Make the first line the names of the fields, such as firstName,lastName,email,unitId.",
        )
    if not count:
        raise DbkitError("file has no rows", detail=f"{path} ends after its header.", hint="Name a file with rows.")
    content.seek(0)
    digest = hashlib.sha256()
    while block := content.read(_BLOCK):
        digest.update(block)
    return CsvFile(path, header, digest.hexdigest(), count, flawed, content, stamp)


def _records(path: Path, content: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Every record, the header first: where it begins, and its fields.

    Raises:
        DbkitError: it cannot be read on, is not UTF-8 or no CSV.
    """
    content.seek(0)
    text = io.TextIOWrapper(content, "utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    before = 0
    try:
        for fields in reader:
            yield before + 1, fields
            before = reader.line_num
    except OSError as problem:
        raise _unreadable(path, problem) from None
    except UnicodeDecodeError:
        raise DbkitError(
            "file is not UTF-8",
            detail=f"{path}: byte {_first_wrong_byte(content)} is no UTF-8.",
            hint="Save it as UTF-8; spreadsheets call that CSV UTF-8.",
        ) from None
    except csv.Error as problem:
        raise DbkitError(
            "file is no CSV",
            detail=f"{path}:{reader.line_num}: {problem}.",
            hint="Look for a quote that is not closed: it takes all that follows into one field.",
        ) from None
    finally:
        if not content.closed:
            text.detach()  # or the file would be closed along with it


def _rows(records: Iterator[tuple[int, list[str]]], header: list[str]) -> Iterator[Row]:
    for line, fields in records:
        if any(fields):  # a line of nothing is no row
            flaw = _flaw(fields, len(header))
            yield Row(line, None, flaw) if flaw else Row(line, dict(zip(header, fields, strict=True)))


def _flaw(fields: list[str], width: int) -> str | None:
    if len(fields) != width:
        return f"The row has another number of fields than the header ({width})."
    return "The row holds a null character." if "\0" in "".join(fields) else None


def _first_wrong_byte(content: IO[bytes]) -> int:
    """How many bytes are before the first that is no UTF-8; a decoder knows only its place in the block."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    content.seek(0)
    place = 0
    while True:
        block = content.read(_BLOCK)
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as problem:
            return place - held + problem.start
        place += len(block)


def _stamp(content: IO[bytes]) -> tuple[int, int]:
    state = os.fstat(content.fileno())
    return state.st_size, state.st_mtime_ns


def _unreadable(path: Path, problem: OSError) -> DbkitError:
    return DbkitError(f"cannot read {path}", detail=f"{problem.strerror}.", hint="Name a CSV file that can be read.")

"""Run files that count on earlier ones the way pg_prove does: in one database, after the files that commit.

Each file has a database of its own, so one that uses what `000-setup.sql` created dies there of something that is not
there. Such a file gets a second run, in a clone in which the files before it that keep their changes have run. What it
says then counts, and the report names the file that it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Self

from dbkit.tap.collect import TestFile
from dbkit.tap.databases import Source
from dbkit.tap.isolation import Isolation
from dbkit.tap.result import FileResult
from dbkit.tap.worker import Engine, Worker

__all__ = ["OneDatabase", "counts_on_others"]

# Undefined function, table, schema, and object (type, role, extension).
_NOT_THERE = ("42883", "42P01", "3F000", "42704")


def counts_on_others(result: FileResult, files: Sequence[TestFile], source: Source) -> bool:
    """Did a file die of something missing, and does a file before it keep its changes?"""
    if result.passed or source.in_place:
        return False
    missed = any(failure.sqlstate in _NOT_THERE for failure in result.transcript.failures)
    return missed and bool(_before(result.file, files))


class OneDatabase:
    """The database in which files run one after the other; a context manager that gives it back.

    It is made when the first file asks for it, and made anew for a file whose turn is over: in one in which later
    files have run, it could count on them.
    """

    def __init__(self, files: Sequence[TestFile], source: Source, engine: Engine = "auto") -> None:
        """Prepare; nothing runs yet.

        Args:
            files: every file of the suite, so that a selection of it finds what it needs.
            source: one that gives clones.
        """
        self._files = files
        self._source = source
        self._engine: Engine = engine
        self._stack = ExitStack()
        self._worker: Worker | None = None
        self._ran: list[str] = []
        self._prepared: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run_again(self, result: FileResult) -> FileResult:
        """The second run of a file. The first result stays where the other files change nothing: it is blamed alone.

        Args:
            result: one for which `counts_on_others` is true.
        """
        worker = self._turn_of(result.file)
        for file in _before(result.file, self._files):
            if file.display not in self._ran:
                worker.run(file)
                self._ran.append(file.display)
                self._prepared.append(file.display)
        again = worker.run(result.file)
        self._ran.append(result.file.display)
        if _outcome(again) == _outcome(result):
            return result
        return replace(again, after=tuple(self._prepared))

    def _turn_of(self, file: TestFile) -> Worker:
        if self._worker is None or any(name >= file.display for name in self._ran):
            self._stack.close()
            self._ran.clear()
            self._prepared.clear()
            assert self._source.clone is not None
            conninfo = self._stack.enter_context(self._source.clone())
            database = replace(self._source, clone=None, conninfo=conninfo)
            self._worker = self._stack.enter_context(Worker(database, self._engine, allow_commit=True))
        return self._worker


def _outcome(result: FileResult) -> tuple[object, int]:
    return result.transcript.failures, len(result.tap.assertions)


def _before(file: TestFile, files: Sequence[TestFile]) -> list[TestFile]:
    """The files that pg_prove would have run before and that leave something in their database.

    A file that brings its own pgTAP, or changes the whole server, is kept away from the others.
    """
    kept = [
        other
        for other in files
        if other.display < file.display
        and other.reading.isolation is Isolation.DATABASE
        and not other.reading.brings_pgtap
    ]
    return sorted(kept, key=lambda other: other.display)

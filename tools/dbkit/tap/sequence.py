"""Run files that count on earlier ones the way pg_prove does: in one database, after the files that commit.

Each file has a database of its own, so one that uses what `000-setup.sql` created dies there of something that is not
there. Such a file gets a second run, in a clone in which the files before it that keep their changes have run. What it
says then counts, and the report names the file that it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbkit.tap.collect import TestFile
from dbkit.tap.databases import Source
from dbkit.tap.isolation import Isolation
from dbkit.tap.runner import Engine, FileResult, Worker

__all__ = ["counts_on_others", "run_in_sequence"]

# Undefined function, table, schema, and object (type, role, extension).
_NOT_THERE = ("42883", "42P01", "3F000", "42704")


def counts_on_others(result: FileResult, files: Sequence[TestFile], source: Source) -> bool:
    """Did a file die of something missing, and does a file before it keep its changes?"""
    if result.passed or source.in_place:
        return False
    missed = any(failure.sqlstate in _NOT_THERE for failure in result.transcript.failures)
    return missed and bool(_before(result.file, files))


def run_in_sequence(
    files: Sequence[TestFile], first: Sequence[FileResult], source: Source, engine: Engine
) -> list[FileResult]:
    """Second runs of files, in the order of their names; the first result stays where the second is the same.

    Args:
        files: every file of the suite, so that a selection of it finds what it needs.
        first: results for which `counts_on_others` is true.
    """
    assert source.clone is not None
    ran: set[str] = set()
    prepared: list[str] = []
    results = []
    with source.clone() as conninfo, Worker(replace(source, clone=None, conninfo=conninfo), engine, True) as worker:
        for result in sorted(first, key=lambda result: result.file.display):
            for file in _before(result.file, files):
                if file.display not in ran:
                    worker.run(file)
                    ran.add(file.display)
                    prepared.append(file.display)
            again = worker.run(result.file)
            ran.add(result.file.display)
            # Where the other files change nothing, the file is to be blamed alone.
            same = (again.transcript.failures, len(again.tap.assertions)) == (
                result.transcript.failures,
                len(result.tap.assertions),
            )
            results.append(result if same else replace(again, after=tuple(prepared)))
    return results


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

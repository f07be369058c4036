"""What `dbkit migrate` prints: a line a migration as it happens, or one JSON document at the end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from dbkit.errors import DbkitError
from dbkit.migrate.files import Migration, show_path
from dbkit.migrate.layouts import Folder
from dbkit.migrate.plan import Done, Plan, Result
from dbkit.report import emit_json, silence_closed_pipes

__all__ = ["Progress", "as_dict", "show_ignored", "show_plan"]

# Seconds between two flushes of the progress lines.
_FLUSH_INTERVAL = 0.1

_PAST = {"apply": "applied", "revert": "reverted", "baseline": "recorded"}


class Progress:
    """Shows one run. With JSON, the error of a run that fails carries the document: what was done before it.

    A reader that goes away (`| head`) ends the lines, never the run: migrations do not hang on who watches them.
    """

    def __init__(self, action: str, output_format: str) -> None:
        self.action = action
        self.json = output_format == "json"
        self.result: Result | None = None
        self.finished: list[Done] = []
        self._flushed = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, DbkitError) and self.json:
            error.facts = self._document()
        if error is not None:
            return
        with self._reader():
            if self.json:
                emit_json({**self._document(), "error": None})
            elif self.result is not None:
                self._close(self.result)
            sys.stdout.flush()

    def say(self, line: str) -> None:
        with self._reader():
            sys.stdout.flush()
            print(f"note: {line}", file=sys.stderr, flush=True)

    def done(self, done: Done) -> None:
        self.finished.append(done)
        if self.json:
            return
        with self._reader():
            print(f"{_PAST[self.action]:<9} {_title(done.migration)}  {done.milliseconds} ms")
            # Live, but a thousand quick files do not pay for a thousand writes.
            if (now := time.monotonic()) - self._flushed > _FLUSH_INTERVAL:
                self._flushed = now
                sys.stdout.flush()

    @contextlib.contextmanager
    def _reader(self) -> Iterator[None]:
        """Around what is printed: output to a closed pipe goes nowhere from then on."""
        try:
            yield
        except BrokenPipeError:
            silence_closed_pipes()

    def _close(self, result: Result) -> None:
        show_ignored(result.folder)
        if result.dry_run:
            for migration in result.chosen:
                print(f"would {self.action:<8} {_title(migration)}")
            print(f"{len(result.chosen)} to {self.action}; nothing was changed")
        elif not result.chosen:
            print("nothing to do")
        else:
            print(f"{len(result.done)} {_PAST[self.action]}")

    def _document(self) -> dict[str, Any]:
        result = self.result
        done = result.done if result else self.finished
        document: dict[str, Any] = {
            "command": f"migrate {self.action}",
            "layout": result.folder.layout if result else None,
        }
        if result and result.dry_run:
            document["pending"] = [as_dict(migration) for migration in result.chosen]
        document["done"] = [{**as_dict(item.migration), "milliseconds": item.milliseconds} for item in done]
        return document


def show_plan(plan: Plan, output_format: str) -> None:
    """The pending migrations in the order they would run.

    Raises:
        DbkitError: the first of the problems that forbid running them; they are all in the JSON document.
    """
    error = plan.problems[0].as_error() if plan.problems else None
    if output_format == "json":
        document = _plan_document(plan)
        if error is None:
            emit_json({**document, "error": None})
            return
        error.facts = document
        raise error
    for migration in plan.pending:
        row = plan.rows.get((migration.line, migration.version))
        note = "  (resumes)" if row is not None and row.state == "partial" else ""
        note += "" if migration.transactional else "  (statement by statement)"
        print(f"{_title(migration)}{note}")
    show_ignored(plan.folder)
    print(f"{len(plan.pending)} pending ({plan.folder.layout} layout)")
    if error is not None:
        raise error


def _plan_document(plan: Plan) -> dict[str, Any]:
    return {
        "command": "migrate plan",
        "layout": plan.folder.layout,
        "pending": [as_dict(migration) for migration in plan.pending],
        "problems": [
            {"rule": problem.rule, "message": problem.message, "detail": problem.detail, "hint": problem.hint}
            for problem in plan.problems
        ],
    }


def show_ignored(folder: Folder) -> None:
    """Files that lie among the migrations and are not run, on stderr."""
    for path, reason in folder.ignored:
        print(f"note: {show_path(path)} is not run: {reason}", file=sys.stderr)


def as_dict(migration: Migration) -> dict[str, Any]:
    """A migration in JSON."""
    return {
        "line": migration.line,
        "version": migration.version,
        "name": migration.name,
        "file": show_path(migration.path),
        "checksum": migration.checksum,
    }


def _title(migration: Migration) -> str:
    return f"{migration}{'_' + migration.name if migration.name else ''}"

"""Run files one after the other, each in what it may share, on databases of one worker's own.

A worker keeps one clone and one connection for the files that roll back: what makes the run fast is that neither a
process, nor a connection, nor pgTAP's plans are made anew for each file. Between two files the session is reset; a
session that cannot be reset to new (it has set a custom setting that the schema reads) is replaced.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Literal

from dbkit.tap.collect import TestFile
from dbkit.tap.databases import Source, isolation_of
from dbkit.tap.engine import NeedsCare, run_file
from dbkit.tap.explain import explainer
from dbkit.tap.isolation import Isolation, leftovers
from dbkit.tap.parse import Problem
from dbkit.tap.pgtap import remove_pgtap
from dbkit.tap.psql_process import PsqlProcess, find_psql
from dbkit.tap.psql_script import creates_pgtap, read_sql
from dbkit.tap.psql_variables import NeedsPsql
from dbkit.tap.result import FileResult, judge, refused
from dbkit.tap.session import Session, connect
from dbkit.tap.transcript import Transcript

if TYPE_CHECKING:
    import psycopg

__all__ = ["CANCEL_SECONDS", "Engine", "Worker"]

Engine = Literal["auto", "native", "psql"]

# How long the server may take to cancel a query.
CANCEL_SECONDS = 2.0
# Clones a worker has done with stay this long: dropping one whose session just ended waits 100 ms in the server.
_KEPT_CLONES = 4


class Worker:
    """Runs files one after the other; used as a context manager that gives its databases back."""

    def __init__(self, source: Source, engine: Engine = "auto", allow_commit: bool = False) -> None:
        self._source = source
        self._settings = source.settings
        self._engine = engine
        self._allow_commit = allow_commit
        self._session: Session | None = None
        self._used: deque[ExitStack] = deque()
        self._current: psycopg.Connection[Any] | PsqlProcess | None = None
        self._cancelled = False

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_session()
        while self._used:
            self._used.popleft().close()

    def run(self, file: TestFile) -> FileResult:
        """Run one file in what its content asks for, and judge it."""
        begun = time.perf_counter()
        self._settings |= file.reading.settings
        isolation = isolation_of(self._source, file.reading.isolation)
        if self._source.in_place:
            result = self._run_in_place(file)
        elif isolation is Isolation.TRANSACTION and self._engine != "psql":
            result = self._run_shared(file)
        else:
            result = self._run_alone(file, isolation)
        result.seconds = time.perf_counter() - begun
        return result

    def cancel(self) -> None:
        """Cancel what runs now; called from another thread."""
        self._cancelled = True
        current = self._current
        if isinstance(current, PsqlProcess):
            current.cancel()
        elif current is not None:
            import psycopg

            with suppress(psycopg.Error):  # the server is gone, and the query with it
                current.cancel_safe(timeout=CANCEL_SECONDS)

    # -- one file ------------------------------------------------------------------------------------------------

    def _run_shared(self, file: TestFile) -> FileResult:
        session = self._session or self._open_session()
        try:
            try:
                transcript = self._native(file, session.connection, quick=True)
            except NeedsCare:
                # Rolled back or not, sequences have moved: what decides is a run that finds everything new.
                self._close_session()
                session = self._open_session()
                transcript = self._native(file, session.connection)
        except NeedsPsql as need:
            self._close_session()  # part of the file has run
            return self._unless_native_only(file, need, Isolation.DATABASE)
        result = judge(file, transcript, Isolation.TRANSACTION)
        self._check_left_nothing(session, result)
        return result

    def _run_alone(self, file: TestFile, isolation: Isolation) -> FileResult:
        need = NeedsPsql("--engine psql")
        if self._engine != "psql":
            try:
                with ExitStack() as stack:
                    conninfo = self._enter(stack, isolation)
                    if file.reading.brings_pgtap:
                        self._take_pgtap_away(conninfo)
                    with connect(conninfo) as connection:
                        return judge(file, self._native(file, connection), isolation)
            except NeedsPsql as raised:
                need = raised
        return self._unless_native_only(file, need, isolation)

    def _unless_native_only(self, file: TestFile, need: NeedsPsql, isolation: Isolation) -> FileResult:
        if self._engine == "native":
            return refused(file, f"{need} needs psql, and --engine native rules it out")
        with ExitStack() as stack:
            conninfo = self._enter(stack, isolation)
            text = read_sql(file.path) if file.text is None else file.text
            if file.reading.brings_pgtap or creates_pgtap(text):
                self._take_pgtap_away(conninfo)
            return judge(file, self._psql(file, conninfo, need), isolation)

    def _run_in_place(self, file: TestFile) -> FileResult:
        """In a database that is not ours: rolled back, whatever the file says, unless commits were allowed."""
        reading = file.reading
        wrap = not reading.controls_transactions
        if not wrap and reading.isolation is not Isolation.TRANSACTION and not self._allow_commit:
            return refused(
                file,
                f"not run: {reading.reason}, and the tests run in a database that is not disposable"
                " (--allow-commit runs it there; a host listed under disposable_hosts gets clones)",
            )
        if self._engine == "psql" and not wrap:
            return judge(file, self._psql(file, self._source.conninfo, NeedsPsql("--engine psql")), reading.isolation)
        session = self._session or self._open_session()
        wrap = wrap and not self._allow_commit
        try:
            try:
                transcript = self._native(file, session.connection, quick=not self._allow_commit, wrap=wrap)
            except NeedsCare:
                if not session.renew(self._settings):
                    self._close_session()
                    session = self._open_session()
                transcript = self._native(file, session.connection, wrap=wrap)
        except NeedsPsql as need:
            self._close_session()
            if self._engine == "native" or wrap:
                return refused(file, f"not run: {need} needs psql, which would not be rolled back")
            transcript = self._psql(file, self._source.conninfo, need)
            return judge(file, transcript, reading.isolation)
        if not session.renew(self._settings):
            self._close_session()
        return judge(file, transcript, reading.isolation)

    def _native(
        self, file: TestFile, connection: psycopg.Connection[Any], *, quick: bool = False, wrap: bool = False
    ) -> Transcript:
        self._current = connection
        if self._cancelled:
            raise KeyboardInterrupt
        provided = self._source.pgtap if self._source.pgtap and self._source.pgtap.created else None
        if wrap:
            connection.execute("begin")
        try:
            return run_file(
                connection,
                file.path,
                display=file.display,
                pgtap=provided,
                explain=explainer(connection),
                text=file.text,
                quick=quick,
            )
        finally:
            self._current = None

    def _psql(self, file: TestFile, conninfo: str, need: NeedsPsql) -> Transcript:
        process = PsqlProcess(find_psql(self._source.bin_dir), conninfo)
        self._current = process
        if self._cancelled:
            raise KeyboardInterrupt
        try:
            return process.run(file.path, file.display, note=str(need), text=file.text)
        finally:
            self._current = None

    def _take_pgtap_away(self, conninfo: str) -> None:
        """What a file brings itself must not be there yet, unless the database had it before us."""
        provided = self._source.pgtap
        if provided is not None and provided.created:
            with connect(conninfo) as connection:
                remove_pgtap(connection, provided)

    # -- databases -----------------------------------------------------------------------------------------------

    def _open_session(self) -> Session:
        stack = ExitStack()
        try:
            if self._source.clone is None:
                conninfo = self._source.conninfo
            else:
                conninfo = stack.enter_context(self._source.clone())
            self._session = Session(stack, conninfo, own=self._source.clone is not None)
        except BaseException:
            stack.close()
            raise
        return self._session

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.connection.close()
            self._retire(self._session.stack)
            self._session = None

    def _enter(self, stack: ExitStack, isolation: Isolation) -> str:
        """A database for one file; a clone is given back a few files later, a server at once."""
        if isolation is Isolation.SERVER:
            assert self._source.fresh is not None
            return str(stack.enter_context(self._source.fresh()))
        assert self._source.clone is not None
        own = ExitStack()
        conninfo = str(own.enter_context(self._source.clone()))
        stack.callback(self._retire, own)
        return conninfo

    def _retire(self, clone: ExitStack) -> None:
        self._used.append(clone)
        if len(self._used) > _KEPT_CLONES:
            self._used.popleft().close()

    def _check_left_nothing(self, session: Session, result: FileResult) -> None:
        """The next file must find the clone as this one did; a file that commits after all is named."""
        if not session.renew(self._settings):
            self._close_session()
            if not result.transcript.failures:
                result.problems.append(Problem("it lost its connection"))
            return
        if not session.changed and not result.transcript.committed:
            return
        with ExitStack() as stack, connect(self._enter(stack, Isolation.DATABASE)) as fresh:
            found = leftovers(session.connection, fresh)
        if found:
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            result.problems.append(
                Problem(
                    f"it was read as rolled back but left {', '.join(found[:5])}{more};"
                    " annotate it with `-- dbkit: isolation=database`"
                )
            )
        # What was compared has counted rows; a new clone is cheaper than being right about it.
        self._close_session()

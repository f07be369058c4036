"""Run test files over N workers, each on databases of its own.

A worker keeps one clone and one connection for the files that roll back: what makes the run fast is that neither a
process, nor a connection, nor pgTAP's plans are made anew for each file. Between two files the session is reset; a
session that cannot be reset to new (it has set a custom setting that the schema reads) is replaced.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dbkit.errors import DbkitError
from dbkit.report import Location
from dbkit.tap.collect import TestFile
from dbkit.tap.databases import Source, isolation_of
from dbkit.tap.engine import NeedsCare, run_file
from dbkit.tap.explain import explainer
from dbkit.tap.isolation import Isolation, leftovers
from dbkit.tap.parse import Problem, TapResult, parse
from dbkit.tap.pgtap import remove_pgtap
from dbkit.tap.psql_process import PsqlProcess, find_psql
from dbkit.tap.psql_script import creates_pgtap, read_sql
from dbkit.tap.psql_variables import NeedsPsql
from dbkit.tap.session import Session, connect
from dbkit.tap.transcript import Transcript

if TYPE_CHECKING:
    import psycopg

__all__ = ["Engine", "FileResult", "Worker", "run"]

Engine = Literal["auto", "native", "psql"]

# Clones a worker has done with stay this long: dropping one whose session just ended waits 100 ms in the server.
_KEPT_CLONES = 4
_POLL_SECONDS = 0.1
_CANCEL_SECONDS = 2.0


@dataclass
class FileResult:
    """One file, run and judged.

    Attributes:
        seconds: wall clock, with making its database.
        isolation: what it ran in.
        problems: why it is red apart from failed assertions.
        after: files that ran before it in the same database, because it counts on them; see `sequence`.
    """

    file: TestFile
    transcript: Transcript
    tap: TapResult
    seconds: float = 0.0
    isolation: Isolation = Isolation.TRANSACTION
    problems: list[Problem] = field(default_factory=list)
    after: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.tap.passed and not self.problems

    @property
    def problems_and_plan(self) -> list[Problem]:
        """Everything that is wrong with the file as a whole: what it died of first, then its plan."""
        return [*self.problems, *self.tap.problems]

    @property
    def skipped(self) -> bool:
        return self.passed and self.tap.skip_reason is not None


def run(
    files: Sequence[TestFile],
    source: Source,
    *,
    jobs: int,
    engine: Engine = "auto",
    stop_at_first: bool = False,
    allow_commit: bool = False,
    hold: Callable[[FileResult], bool] | None = None,
    on_result: Callable[[FileResult], None] | None = None,
) -> list[FileResult]:
    """Run files and give their results in the order of `files`; those not run (after `-x`) are left out.

    Args:
        jobs: workers at most; never more than files.
        engine: auto uses psql for files the native engine cannot run; native makes such a file fail.
        stop_at_first: start no further file after one has failed. A file that bails out always stops the run.
        allow_commit: in a database that is not ours, run files that commit.
        hold: says of a result that it is not the last word; such a one stops nothing and is not shown.
        on_result: called in this thread as each file ends.

    Raises:
        DbkitError: a worker cannot get a database.
        KeyboardInterrupt: after every running query was cancelled.
    """
    waiting: queue.SimpleQueue[tuple[int, TestFile]] = queue.SimpleQueue()
    for numbered in enumerate(files):
        waiting.put(numbered)
    done: queue.SimpleQueue[tuple[int, FileResult] | BaseException | None] = queue.SimpleQueue()
    stopping = threading.Event()

    def stops(result: FileResult) -> bool:
        return stop_at_first and not result.passed and not (hold and hold(result))

    workers = [Worker(source, engine, allow_commit) for _ in range(max(1, min(jobs, len(files))))]
    threads = [
        threading.Thread(target=_work, args=(worker, waiting, done, stopping, stops), daemon=True) for worker in workers
    ]
    results: dict[int, FileResult] = {}
    trouble: BaseException | None = None
    try:
        for thread in threads:
            thread.start()
        running = len(threads)
        while running:
            try:
                item = done.get(timeout=_POLL_SECONDS)  # short, so that Ctrl-C is seen
            except queue.Empty:
                continue
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                trouble = trouble or item
                stopping.set()
            else:
                number, result = item
                results[number] = result
                if on_result is not None and not (hold and hold(result)):
                    on_result(result)
    except BaseException:
        stopping.set()
        for worker in workers:
            worker.cancel()
        for thread in threads:
            thread.join(_CANCEL_SECONDS)
        raise
    if trouble is not None:
        raise trouble
    return [results[number] for number in sorted(results)]


def _work(
    worker: Worker,
    waiting: queue.SimpleQueue[tuple[int, TestFile]],
    done: queue.SimpleQueue[tuple[int, FileResult] | BaseException | None],
    stopping: threading.Event,
    stops: Callable[[FileResult], bool],
) -> None:
    try:
        with worker:
            while not stopping.is_set():
                try:
                    number, file = waiting.get_nowait()
                except queue.Empty:
                    break
                result = worker.run(file)
                # Decided here: the main thread would see it only after the next file has begun.
                if result.tap.bailout is not None or stops(result):
                    stopping.set()
                done.put((number, result))
    except BaseException as error:  # handed to the main thread, which raises it
        done.put(_readable(error))
    finally:
        done.put(None)


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
                current.cancel_safe(timeout=_CANCEL_SECONDS)

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
        result = _judge(file, transcript, Isolation.TRANSACTION)
        self._check_left_nothing(session, result)
        return result

    def _run_alone(self, file: TestFile, isolation: Isolation) -> FileResult:
        get = self._source.fresh if isolation is Isolation.SERVER else self._source.clone
        assert get is not None
        need = NeedsPsql("--engine psql")
        if self._engine != "psql":
            try:
                with ExitStack() as stack:
                    conninfo = self._enter(stack, get, isolation)
                    if file.reading.brings_pgtap:
                        self._take_pgtap_away(conninfo)
                    with connect(conninfo) as connection:
                        return _judge(file, self._native(file, connection), isolation)
            except NeedsPsql as raised:
                need = raised
        return self._unless_native_only(file, need, isolation)

    def _unless_native_only(self, file: TestFile, need: NeedsPsql, isolation: Isolation) -> FileResult:
        if self._engine == "native":
            return _refused(file, f"{need} needs psql, and --engine native rules it out")
        get = self._source.fresh if isolation is Isolation.SERVER else self._source.clone
        assert get is not None
        with ExitStack() as stack:
            conninfo = self._enter(stack, get, isolation)
            text = read_sql(file.path) if file.text is None else file.text
            if file.reading.brings_pgtap or creates_pgtap(text):
                self._take_pgtap_away(conninfo)
            return _judge(file, self._psql(file, conninfo, need), isolation)

    def _run_in_place(self, file: TestFile) -> FileResult:
        """In a database that is not ours: rolled back, whatever the file says, unless commits were allowed."""
        reading = file.reading
        wrap = not reading.controls_transactions
        if not wrap and reading.isolation is not Isolation.TRANSACTION and not self._allow_commit:
            return _refused(
                file,
                f"not run: {reading.reason}, and the tests run in a database that is not disposable"
                " (--allow-commit runs it there; a host listed under disposable_hosts gets clones)",
            )
        if self._engine == "psql" and not wrap:
            return _judge(file, self._psql(file, self._source.conninfo, NeedsPsql("--engine psql")), reading.isolation)
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
                return _refused(file, f"not run: {need} needs psql, which would not be rolled back")
            transcript = self._psql(file, self._source.conninfo, need)
            return _judge(file, transcript, reading.isolation)
        if not session.renew(self._settings):
            self._close_session()
        return _judge(file, transcript, reading.isolation)

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
            self._session = Session(stack, conninfo)
        except BaseException:
            stack.close()
            raise
        return self._session

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.connection.close()
            self._retire(self._session.stack)
            self._session = None

    def _enter(self, stack: ExitStack, get: Callable[[], Any], isolation: Isolation) -> str:
        """A database for one file; a clone is given back a few files later, a server at once."""
        if isolation is Isolation.SERVER:
            return str(stack.enter_context(get()))
        own = ExitStack()
        conninfo = str(own.enter_context(get()))
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
        assert self._source.clone is not None
        with (
            ExitStack() as stack,
            connect(self._enter(stack, self._source.clone, Isolation.DATABASE)) as fresh,
        ):
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


def _judge(file: TestFile, transcript: Transcript, isolation: Isolation) -> FileResult:
    """TAP, and what the exit code of psql adds to it."""
    result = FileResult(file, transcript, parse(transcript.lines), isolation=isolation)
    if transcript.engine == "psql":
        _locate(result)
    if transcript.exit_code and result.tap.bailout is None:
        if transcript.failures:
            last = transcript.failures[-1]
            state = f" (SQLSTATE {last.sqlstate})" if last.sqlstate else ""
            result.problems.append(Problem(f"died: {last.message}{state}", last.place))
        else:
            result.problems.append(Problem(f"psql ended with exit code {transcript.exit_code}"))
    return result


def _locate(result: FileResult) -> None:
    """Lines for what psql printed: a description that stands in the file once says where its assertion is."""
    text = read_sql(result.file.path) if result.file.text is None else result.file.text
    lines = text.split("\n")
    for assertion in result.tap.assertions:
        quoted = assertion.description.replace("'", "''")
        found = [number for number, line in enumerate(lines, 1) if quoted and f"'{quoted}'" in line]
        if len(found) == 1:
            assertion.place = Location(result.file.display, found[0])


def _refused(file: TestFile, message: str) -> FileResult:
    return FileResult(file, Transcript(), TapResult(), isolation=file.reading.isolation, problems=[Problem(message)])


def _readable(error: BaseException) -> BaseException:
    import psycopg

    if isinstance(error, psycopg.Error):
        return DbkitError("cannot get a database to test in", detail=str(error).strip(), hint="Run: dbkit doctor")
    return error

"""Run test files over N workers, a thread each, and give every result as it comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from dbkit.errors import DbkitError
from dbkit.tap.collect import TestFile
from dbkit.tap.databases import Source
from dbkit.tap.result import FileResult
from dbkit.tap.worker import CANCEL_SECONDS, Engine, Worker

__all__ = ["run"]

_POLL_SECONDS = 0.1


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
            thread.join(CANCEL_SECONDS)
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


def _readable(error: BaseException) -> BaseException:
    import psycopg

    if isinstance(error, psycopg.Error):
        return DbkitError("cannot get a database to test in", detail=str(error).strip(), hint="Run: dbkit doctor")
    return error

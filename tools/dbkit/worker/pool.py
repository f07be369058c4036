"""Run handlers in threads, each with a time limit.

A thread cannot be ended from outside. A handler over its time is given up: the attempt counts as failed, its thread
is replaced, and what it says later is not heard. The threads are daemons, so none of them keeps a process from ending.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from dbkit.worker.job import Claim, Job, JobError, Outcome
from dbkit.worker.registry import Handler
from dbkit.worker.secrets import as_job_error

__all__ = ["Pool"]


@dataclass
class Pool:
    """Threads that take jobs in turn.

    Attributes:
        handlers: job type -> handler.
        tell: called from a thread with each outcome.
        secrets: what must not stand in an error.
        stuck: threads whose handler is over its time and still runs.
    """

    handlers: Mapping[str, Handler]
    size: int
    tell: Callable[[Outcome], None]
    secrets: tuple[str, ...] = ()
    stuck: int = 0
    _todo: SimpleQueue[Job] = field(default_factory=SimpleQueue)
    _started: dict[Claim, tuple[Job, float]] = field(default_factory=dict)
    _withdrawn: set[Claim] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        for _ in range(self.size):
            self._add_thread()

    def submit(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self._todo.put(job)

    def take_back(self) -> list[Job]:
        """The jobs that no thread has begun; none of them will be."""
        taken = []
        while True:
            try:
                taken.append(self._todo.get_nowait())
            except Empty:
                return taken

    def running(self) -> list[Job]:
        with self._lock:
            return [job for job, _ in self._started.values()]

    def cancel(self, job: Job) -> bool:
        """Ask the handler of a job to stop; a job that is not begun never will be. Whether an outcome is still to come.

        Its handler keeps the thread until it returns or its time is over; one that looks at `job.cancelled` is quick.
        """
        job.abandon()
        with self._lock:
            if job.claim in self._started:
                return True
            self._withdrawn.add(job.claim)
            return False

    def forget(self, job: Job) -> None:
        """Give up on an attempt whose outcome has not been told: it is not begun, or nobody hears how it ends."""
        job.abandon()
        with self._lock:
            if self._started.pop(job.claim, None) is None:
                self._withdrawn.add(job.claim)
                return
            self.stuck += 1
        self._add_thread()

    def overdue(self) -> list[Outcome]:
        """Give up on the jobs over their time; what is to be told of them."""
        now = time.monotonic()
        with self._lock:
            late = [
                self._started.pop(job.claim)
                for job, began in list(self._started.values())
                if now - began > self.handlers[job.type].timeout
            ]
            self.stuck += len(late)
        for job, _ in late:
            job.abandon()
            self._add_thread()
        return [
            Outcome(
                job,
                now - began,
                error=JobError(f"the handler took longer than {self.handlers[job.type].timeout:g} s"),
            )
            for job, began in late
        ]

    def next_deadline(self) -> float | None:
        """When (monotonic clock) the next running job is over its time."""
        with self._lock:
            return min((began + self.handlers[job.type].timeout for job, began in self._started.values()), default=None)

    def _add_thread(self) -> None:
        threading.Thread(target=self._work, name="dbkit-handler", daemon=True).start()

    def _work(self) -> None:
        while True:
            job = self._todo.get()
            began = time.monotonic()
            with self._lock:
                if job.claim in self._withdrawn:
                    self._withdrawn.remove(job.claim)
                    continue
                self._started[job.claim] = (job, began)
            outcome = self._run(job, began)
            with self._lock:
                if self._started.pop(job.claim, None) is None:  # given up meanwhile, and this thread replaced
                    self.stuck -= 1
                    return
            self.tell(outcome)

    def _run(self, job: Job, began: float) -> Outcome:
        result: Mapping[str, Any] | None = None
        error = None
        try:
            result = self.handlers[job.type].work(job)
            _check_storable(result)
        except BaseException as problem:  # a handler that calls sys.exit() ends its attempt, not the worker
            result, error = None, as_job_error(problem, job, self.secrets)
        return Outcome(job, time.monotonic() - began, result, error)


def _check_storable(result: object) -> None:
    """Raise TypeError or ValueError for what jsonb does not hold."""
    if result is None:
        return
    if not isinstance(result, Mapping):
        raise TypeError(f"the handler returned {type(result).__name__}, not a mapping")
    written = json.dumps(result, allow_nan=False, ensure_ascii=False)
    written.encode()
    if "\\u0000" in written:
        raise ValueError("the handler's result holds a null character")

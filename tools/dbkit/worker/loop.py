"""The worker: claim, run, report, until told to stop.

One thread speaks to the queue, the pool's threads run handlers, and everything that happens arrives in one inbox:
outcomes, notifications, the wish to stop. Reporting outcomes and claiming the next jobs is one round trip. A connection
that is lost is made again; what was not reported is reported then, and refused where the lease has run out meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from dbkit.errors import DbkitError
from dbkit.worker.client import CHANNEL, Client
from dbkit.worker.job import Claim, Job, Outcome
from dbkit.worker.log import Log
from dbkit.worker.pool import Pool
from dbkit.worker.registry import Handler
from dbkit.worker.settings import Settings
from dbkit.worker.wakeup import Backoff, Pace, listen

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Worker", "worker_name"]

# The longest the inbox is waited for without a look at the clocks below.
LONGEST_WAIT = 5.0
# The time that held jobs beyond the running ones should wait at most.
AHEAD_SECONDS = 0.1
# How often the leases of dead workers are looked for.
RESCUE_SECONDS = 10.0
# What the server may take to answer us once we have nothing else to do than leave.
ANSWER_SECONDS = 3.0
# The same where it has no jobs of ours: nothing is lost with the connection, and what it may be claiming comes back.
IDLE_SECONDS = 1.5


class Word(Enum):
    """What else than an outcome may lie in the inbox."""

    WAKE = "wake"
    STOP = "stop"


def worker_name() -> str:
    """Host, process and a few random digits: another name after each start, so that nobody inherits a lease."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


@dataclass
class Worker:
    """One worker of one queue.

    Attributes:
        conninfo: where the queue is.
        handlers: job type -> handler; other types are left to other workers.
        drain: stop when the queue has no due job left.
        deaf: do not LISTEN (it has no effect behind a transaction pooler).
    """

    conninfo: str
    settings: Settings
    handlers: Mapping[str, Handler]
    log: Log
    drain: bool = False
    deaf: bool = False
    name: str = field(default_factory=worker_name)
    _inbox: SimpleQueue[Outcome | Word] = field(default_factory=SimpleQueue)
    _held: dict[Claim, Job] = field(default_factory=dict)
    _cancelled: set[Claim] = field(default_factory=set)
    _unreported: list[Outcome] = field(default_factory=list)
    _returned: list[Job] = field(default_factory=list)
    _asked_at: float | None = None
    _stop_at: float | None = None
    _look_at: float = 0.0
    _beat_at: float = float("inf")
    _rescue_at: float = 0.0
    _retry_at: float = 0.0
    _usual_seconds: float = AHEAD_SECONDS * 1000
    _unsure: set[Claim] = field(default_factory=set)
    _done: int = 0
    _failed: int = 0

    def __post_init__(self) -> None:
        self._pace = Pace(self.settings.poll)
        self._pool = Pool(self.handlers, self.settings.concurrency, self._inbox.put, self.settings.secrets)
        self._client = Client(self.conninfo, self.settings.queue, self.name, sorted(self.handlers))
        self._backoff = Backoff()

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Take no further jobs, finish what runs, hand back the rest. Safe to call from a signal handler."""
        self._inbox.put(Word.STOP)
        # A server that hangs must not keep us: whoever waits for its answer then is told that the connection is lost.
        grace = self.settings.grace if self._asked_at is None else 0.0  # asked twice: at once
        self._asked_at = self._asked_at or time.monotonic()
        has_jobs = self._held or self._unreported or self._returned
        timer = threading.Timer(grace + ANSWER_SECONDS if has_jobs else IDLE_SECONDS, self._client.cut)
        timer.daemon = True
        timer.start()

    def run(self, opened: Callable[[], None] = lambda: None) -> tuple[int, int]:
        """Work until stopped (or, draining, until nothing is due). The numbers of jobs completed and failed.

        Args:
            opened: called when the server has let us in; until then there is nothing that `stop` could end in order.

        Raises:
            DbkitError: the login may not claim, or handlers hang in every thread.
        """
        self._open()
        opened()
        self._pool.start()
        if not (self.deaf or self.drain):
            listen(self.conninfo, CHANNEL, self.settings.queue, lambda: self._inbox.put(Word.WAKE), self._set_listening)
        self.log(
            "worker_started",
            worker=self.name,
            queue=self.settings.queue,
            types=sorted(self.handlers),
            concurrency=self.settings.concurrency,
        )
        try:
            while not self._finished():
                self._turn()
        finally:
            self._client.close()
        self.log("worker_stopped", worker=self.name, completed=self._done, failed=self._failed)
        return self._done, self._failed

    def _open(self) -> None:
        """The first connection; one that fails is the operator's to mend."""
        import psycopg

        from dbkit.conninfo import cannot_connect

        try:
            self._client.connect()
            self._client.check()
        except psycopg.OperationalError as error:
            raise cannot_connect(self.conninfo, str(error)) from None

    def _finished(self) -> bool:
        return self._stop_at is not None and not (self._held or self._unreported or self._returned)

    def _turn(self) -> None:
        """One round: wait for something to do, then do what is due."""
        import psycopg

        self._receive(self._pause())
        for late in self._pool.overdue():
            self._receive_outcome(late)
        if self._pool.stuck >= self.settings.concurrency:
            with contextlib.suppress(psycopg.Error):  # without a server their leases run out by themselves
                if self._client.connected:
                    self._hand_back(list(self._held.values()))
            raise DbkitError(
                "handlers hang in every thread",
                detail=f"{self._pool.stuck} handlers are over their time and have not returned.",
                hint="Restart the worker, and give the handler's own calls a timeout.",
            )
        try:
            if self._client.connected or self._reconnected():
                self._speak()
        except psycopg.Error as error:  # also what a server says that is being promoted or migrated
            self._lost(error)

    def _reconnected(self) -> bool:
        """Try to reach the server again where that is due. Stopping does not wait for a server that is gone."""
        now = time.monotonic()
        if self._stop_at is not None and now >= self._stop_at:
            # There is nobody to hand jobs back to: their leases run out by themselves.
            self._held.clear()
            self._unreported.clear()
            self._returned.clear()
        if now < self._retry_at or self._finished():
            return False
        self._client.connect()
        self.log("reconnected", worker=self.name)
        return True

    def _pause(self) -> float:
        """Seconds until something is due by the clock."""
        now = time.monotonic()
        due = [now + LONGEST_WAIT, self._pool.next_deadline() or now + LONGEST_WAIT]
        if self._stop_at is not None:
            due.append(self._stop_at)
        if not self._client.connected:
            due.append(self._retry_at)
        elif self._unreported or self._returned:
            return 0.0
        else:
            due += [self._beat_at if self._held else now + LONGEST_WAIT]
            due += [self._look_at] if self._wanted() else []
        return max(min(due) - now, 0.0)

    def _wanted(self) -> int:
        """How many jobs to ask for.

        A free thread is reason enough. Beyond the threads as many are held as they finish in a moment: quick jobs are
        claimed by the batch, and no slow one waits here while another worker is idle.
        """
        if self._stop_at is not None:
            return 0
        threads, held = self.settings.concurrency, len(self._held) + len(self._cancelled)
        ahead = int(threads * AHEAD_SECONDS / max(self._usual_seconds, 0.0001))
        room = min(self.settings.batch, threads + ahead)
        return max(room - held, 0) if held < threads or held * 2 <= room else 0

    def _receive(self, pause: float) -> None:
        """Take what is in the inbox, waiting up to `pause` seconds for the first."""
        try:
            word = self._inbox.get(timeout=pause) if pause > 0 else self._inbox.get_nowait()
            while True:
                if isinstance(word, Outcome):
                    self._receive_outcome(word)
                elif word is Word.STOP:
                    self._begin_to_stop()
                else:
                    self._pace.busy()
                    self._look_at = 0.0
                word = self._inbox.get_nowait()
        except Empty:
            return

    def _receive_outcome(self, outcome: Outcome) -> None:
        self._cancelled.discard(outcome.job.claim)
        if self._held.pop(outcome.job.claim, None) is not None:  # else the lease was lost and that was told
            self._unreported.append(outcome)
            # A mean that follows the last dozen; one slow job weighs more than one quick one.
            self._usual_seconds += (outcome.seconds - self._usual_seconds) / (2 if self._usual_seconds > 1 else 12)

    # ----- speaking to the queue -----------------------------------------------------------------------------------

    def _speak(self) -> None:
        """Extend leases, report outcomes, claim; whatever of these is due."""
        now = time.monotonic()
        if self._held and now >= self._beat_at:
            self._heartbeat()
        if self._stop_at is not None and now >= self._stop_at:
            self._returned += self._held.values()
            self._held.clear()
        if self._returned:
            self._hand_back(self._returned)
            self._returned = []
        if self._stop_at is None and now >= self._rescue_at:
            self._rescue_at = now + RESCUE_SECONDS * random.uniform(0.8, 1.2)
            if rescued := self._client.rescue():
                self.log("jobs_rescued", jobs=rescued)
                self._look_at = 0.0
        wanted = self._wanted() if now >= self._look_at else 0
        if self._unreported or wanted:
            self._next(wanted)

    def _next(self, wanted: int) -> None:
        reported = self._unreported
        jobs, refused, cancelled = self._client.next(reported, self._held.values(), wanted)
        self._backoff.reset()  # not before: a standby lets us in, and refuses what we came for
        self._unreported = []
        for outcome in reported:
            claim = outcome.job.claim
            self._tell(outcome, refused=claim in refused, cancelled=claim in cancelled)
        if jobs:
            self._held.update((job.claim, job) for job in jobs)
            self._beat_at = min(self._beat_at, time.monotonic() + jobs[0].lease_seconds / 3)
            self._pool.submit(jobs)
        if wanted:
            self._after_look(len(jobs), wanted)

    def _after_look(self, found: int, wanted: int) -> None:
        if found:
            self._pace.busy()
        if found == wanted:
            self._look_at = 0.0
        elif self.drain and not (found or self._held):
            self._begin_to_stop()
        else:
            self._look_at = time.monotonic() + self._pace.empty()

    def _heartbeat(self) -> None:
        leases = {job.lease for job in self._held.values()}
        kept, cancelled = self._client.heartbeat(leases)
        self._backoff.reset()
        self._beat_at = time.monotonic() + min(job.lease_seconds for job in self._held.values()) / 3
        for job in list(self._held.values()):
            facts = {"job": job.id, "type": job.type, "tenant": job.tenant_id, "attempt": job.attempt}
            if job.claim in cancelled:
                del self._held[job.claim]
                if self._pool.cancel(job):
                    self._cancelled.add(job.claim)
                self.log("job_cancelled", **facts)
            elif job.lease not in kept:
                del self._held[job.claim]
                self._pool.forget(job)
                self.log("lease_lost", **facts)

    def _hand_back(self, jobs: list[Job]) -> None:
        """Give jobs back as they were claimed; nobody hears what their handlers still do."""
        self._client.release(jobs)
        for job in jobs:
            self.log("job_handed_back", job=job.id, type=job.type, tenant=job.tenant_id, attempt=job.attempt)

    def _lost(self, error: Exception) -> None:
        """Say so, and when the server is tried again; handlers go on meanwhile."""
        from dbkit.conninfo import masked

        self._client.close()
        pause = self._backoff.next()
        self._retry_at = time.monotonic() + pause
        self._unsure = {outcome.job.claim for outcome in self._unreported}
        # The first line only: a server's detail may quote what it was sent.
        reason = masked(str(error).partition("\n")[0])
        self.log("disconnected", worker=self.name, error=reason, retry_in=round(pause, 2))

    # ----- what happened -------------------------------------------------------------------------------------------

    def _begin_to_stop(self) -> None:
        now = time.monotonic()
        if self._stop_at is None:
            self._stop_at = (self._asked_at or now) + self.settings.grace
            self.log("stopping", worker=self.name, running=len(self._pool.running()))
        else:
            self._stop_at = now  # asked twice: at once
        self._returned += [job for job in self._pool.take_back() if self._held.pop(job.claim, None)]

    def _tell(self, outcome: Outcome, *, refused: bool, cancelled: bool) -> None:
        job, error = outcome.job, outcome.error
        facts = {"job": job.id, "type": job.type, "tenant": job.tenant_id, "attempt": job.attempt}
        facts["seconds"] = round(outcome.seconds, 3)
        if cancelled:
            self.log("job_cancelled", **facts)
        elif refused:
            # The report whose answer was lost with the connection may have arrived.
            self.log("lease_lost", **facts, reported_before=job.claim in self._unsure or None)
        elif error is None:
            self._done += 1
            self.log("job_completed", **facts)
        else:
            self._failed += 1
            self.log("job_failed", **facts, error=error.message, retryable=error.retryable)

    def _set_listening(self, listening: bool) -> None:
        self._pace.listening = listening

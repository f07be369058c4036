"""The schedule without pg_cron: which jobs are due, and running them.

`core.cron_jobs` is the schedule and `core.cron_runs` the memory, so nothing is kept here: a job is due when a slot of
its schedule lies between its last run and now, on the server's clock. Slots missed while nothing ticked are made up by
one run. Two ticks at once run a slot once: `core.run_cron` decides under the job's lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dbkit.errors import DbkitError
from dbkit.ops.session import beside

if TYPE_CHECKING:
    import psycopg

__all__ = ["Job", "Outcome", "due_slot", "jobs", "next_slot", "run", "server_time", "sync", "tick"]

_JOBS = """
select name, system, schedule, run_mode, command, target, is_enabled, is_installed, description, created_at,
       last_started_at, last_finished_at, last_ok, last_rows_affected, last_message
  from core.cron_status
 order by name
"""

_RUN = """
select name, started_at, finished_at, ok, rows_affected, message
  from core.run_cron(%s, %s)
 where id is not null
"""

# A bare job cannot log in its own transaction: begin and end are rows of two, under a lock that a transaction beside
# them holds. A lock of the session could stay for good where a transaction pooler changes the server process.
_LOCK = "select pg_try_advisory_xact_lock(hashtextextended('core.cron:' || %s, 0))"
_KEEP_LOCK = "set local idle_in_transaction_session_timeout = 0"
_RAN_SINCE = """
select exists (select from core.cron_runs where name = %s and started_at >= %s and finished_at is not null)
"""
_BEGIN = "insert into core.cron_runs (name, started_at) values (%s, clock_timestamp()) returning id"
_END = """
update core.cron_runs
   set finished_at = clock_timestamp(), ok = %(ok)s, message = left(%(message)s, 1000)
 where id = %(id)s
returning name, started_at, finished_at, ok, rows_affected, message
"""

_SYNC = "select name, action from core.sync_cron()"


@dataclass(frozen=True, slots=True)
class Job:
    """A row of core.cron_status; see the comments of the view.

    Attributes:
        schedule: five fields, in UTC.
        created_at: a job that never ran is due at its first slot after this.
    """

    name: str
    system: str
    schedule: str
    run_mode: str
    command: str
    target: str
    is_enabled: bool
    is_installed: bool
    description: str
    created_at: datetime
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_ok: bool | None
    last_rows_affected: int | None
    last_message: str | None

    @property
    def runs(self) -> bool:
        """Whether the schedule counts: it is switched on and what it calls is there."""
        return self.is_enabled and self.is_installed

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run ended.

    Attributes:
        skipped: nothing was done, because the job runs elsewhere right now or its slot was done already.
        ok: whether the body succeeded; None when skipped.
        rows: what the body returned, where that is a number.
        message: SQLSTATE and message of a failure, or what the body returned.
    """

    name: str
    skipped: bool = False
    ok: bool | None = None
    rows: int | None = None
    message: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def jobs(connection: psycopg.Connection[Any]) -> list[Job]:
    """Every scheduled job with its last run, by name."""
    return [Job(*row) for row in connection.execute(_JOBS)]


def due_slot(job: Job, now: datetime) -> datetime | None:
    """The newest slot since the job ran last, None when there is none or the job is off.

    A run without an end goes on, and then its lock says so, or its session died: the job is due.

    Raises:
        DbkitError: its schedule cannot be read.
    """
    slot = next(_slots(job, now + timedelta(microseconds=1), backwards=True), None) if job.runs else None
    ran = job.last_started_at if job.last_finished_at else None
    return slot if slot is not None and slot > (ran or job.created_at) else None


def next_slot(job: Job, now: datetime) -> datetime | None:
    """When a job runs next, None when it is off.

    Raises:
        DbkitError: its schedule cannot be read.
    """
    return next(_slots(job, now), None) if job.runs else None


def tick(connection: psycopg.Connection[Any]) -> list[Outcome]:
    """Run every job that is due now, one after the other by name.

    A job that fails, or whose schedule cannot be read, does not stop the others.
    """
    now = server_time(connection)
    outcomes = []
    for job in jobs(connection):
        try:
            slot = due_slot(job, now)
        except DbkitError as error:
            outcomes.append(Outcome(job.name, ok=False, message=error.message))
            continue
        if slot is not None:
            outcomes.append(_run_one(connection, job, slot))
    return outcomes


def run(connection: psycopg.Connection[Any], name: str) -> Outcome:
    """Run one job now, due or not, switched on or not.

    Raises:
        DbkitError: there is no such job, or what it calls is not installed.
    """
    found = {job.name: job for job in jobs(connection)}
    if name not in found:
        raise DbkitError(
            f"unknown job: {name}",
            detail=f"The jobs are {', '.join(found)}." if found else "core.cron_jobs has no rows.",
            hint="Run: dbkit cron list" if found else "Run: dbkit seed --env production",
        )
    job = found[name]
    if not job.is_installed:
        raise DbkitError(
            f"{job.target} is not installed",
            detail=f"Job {name} runs: {job.command}",
            hint=f"Install module {job.system}: dbkit migrate apply {job.system}",
        )
    return _run_one(connection, job, None)


def sync(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """(job, action) of core.sync_cron.

    Raises:
        DbkitError: pg_cron is required and absent, out of reach, or not on UTC.
    """
    import psycopg

    try:
        return list(connection.execute(_SYNC))
    except psycopg.Error as error:
        if error.sqlstate != "PT503":
            raise
        raise DbkitError(
            "pg_cron cannot be used",
            detail=error.diag.message_detail,
            hint=f"See: {error.diag.message_hint}." if error.diag.message_hint else "Run: dbkit doctor",
        ) from None


def server_time(connection: psycopg.Connection[Any]) -> datetime:
    """The server's clock in UTC; ours may be wrong."""
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now.astimezone(UTC)


def _run_one(connection: psycopg.Connection[Any], job: Job, slot: datetime | None) -> Outcome:
    if job.run_mode == "bare":
        return _run_bare(connection, job, slot)
    row = connection.execute(_RUN, (job.name, slot)).fetchone()
    return Outcome(job.name, skipped=True) if row is None else _outcome(row)


def _run_bare(connection: psycopg.Connection[Any], job: Job, slot: datetime | None) -> Outcome:
    import psycopg

    with beside(connection) as guard, guard.transaction():
        guard.execute(_KEEP_LOCK)
        if guard.execute(_LOCK, (job.name,)).fetchone() != (True,):
            return Outcome(job.name, skipped=True)
        if slot is not None and connection.execute(_RAN_SINCE, (job.name, slot)).fetchone() == (True,):
            return Outcome(job.name, skipped=True)
        begun = connection.execute(_BEGIN, (job.name,)).fetchone()
        assert begun is not None
        ok, message = True, None
        try:
            connection.execute(job.command.encode())
        except psycopg.Error as error:
            if connection.broken:
                raise
            ok, message = False, f"{error.sqlstate} {error.diag.message_primary}"
        row = connection.execute(_END, {"id": begun[0], "ok": ok, "message": message}).fetchone()
        assert row is not None
        return _outcome(row)


def _outcome(row: tuple[Any, ...]) -> Outcome:
    name, started_at, finished_at, ok, rows, message = row
    return Outcome(name, False, ok, rows, message, started_at, finished_at)


def _slots(job: Job, start: datetime, *, backwards: bool = False) -> Iterator[datetime]:
    from cronsim import CronSim, CronSimError

    try:
        yield from CronSim(job.schedule, start, reverse=backwards)
    except CronSimError as error:
        raise DbkitError(
            f"schedule of job {job.name} cannot be read: {job.schedule}",
            detail=f"{error}.",
            hint="Correct it in core.cron_jobs: minute, hour, day of month, month, day of week.",
        ) from None

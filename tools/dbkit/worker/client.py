"""Speak to the queue: one statement a round trip, no session state, every clock the server's.

Jobs are claimed together under a lease. Reporting how jobs of a lease ended and claiming the next ones is one
statement. A lease that ran out and was given away refuses what is reported under it, and nothing of that statement
happens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dbkit.conninfo import parse
from dbkit.deadline import cut
from dbkit.errors import DbkitError
from dbkit.worker.job import Claim, Job, Outcome

if TYPE_CHECKING:
    import psycopg

__all__ = ["CHANNEL", "LIVELY", "Client", "connect"]

CHANNEL = "dbkit_jobs"

NEXT = """
select lease_id, id, tenant_id, job_type, payload, retry_count, max_retries, lease_seconds
  from core.next_jobs(%s::text, %s::int, %s::text, %s::text[], %s::bigint, %s::uuid[], %s::jsonb, %s::jsonb)
"""
COMPLETE = "select core.complete_jobs(%s::bigint, %s::uuid[], %s::jsonb, %s::jsonb)"
RELEASE = "select core.release_jobs(%s::bigint, %s::uuid[])"
HEARTBEAT = "select lease_id, is_held, cancelled from core.heartbeat(%s::bigint[])"
RESCUE = "select core.requeue_expired_leases()"
CHECK = """
select to_regproc('core.next_jobs') is not null,
       coalesce(has_function_privilege(to_regproc('core.next_jobs')::oid, 'execute'), false),
       current_user,
       pg_is_in_recovery()
"""
CONFLICT, UNKNOWN = "PT409", "PT422"
# A server that vanished without a word is noticed after half a minute, not after the system's two hours.
LIVELY = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "keepalives_idle": 15, "keepalives_interval": 5}


def connect(conninfo: str, name: str) -> psycopg.Connection[Any]:
    """A connection in autocommit that notices a lost server; what the connection string says itself has precedence."""
    import psycopg

    options: dict[str, Any] = {**LIVELY, **parse(conninfo), "application_name": name}
    # Behind a transaction pooler a statement prepared on one server connection does not exist on the next.
    return psycopg.connect(**options, autocommit=True, prepare_threshold=None)


@dataclass
class Client:
    """The queue as one worker sees it.

    Attributes:
        types: the job types to claim.
    """

    conninfo: str
    queue: str
    worker: str
    types: Sequence[str]
    _connection: psycopg.Connection[Any] | None = field(default=None, repr=False)

    @property
    def connected(self) -> bool:
        return self._connection is not None

    def connect(self) -> None:
        """Raises psycopg.OperationalError where the server does not answer."""
        self._connection = connect(self.conninfo, "dbkit worker")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def cut(self) -> None:
        """From another thread: let whoever waits for the server's answer see the connection as lost."""
        import psycopg

        connection = self._connection
        with contextlib.suppress(psycopg.Error):  # it is closed, or was lost already
            if connection is not None:
                cut(connection.fileno())

    def check(self) -> None:
        """Whether this login may work here.

        Raises:
            DbkitError: there is no queue, none of this name, the login may not claim, or the server is a standby.
        """
        import psycopg

        exists, allowed, login, is_standby = self._rows(CHECK, ())[0]
        if not exists:
            raise DbkitError(
                "no queue in this database",
                detail="There is no function core.next_jobs.",
                hint="Apply the migrations of core: dbkit migrate apply core --database URL",
            )
        if not allowed:
            raise DbkitError(
                "this login may not claim jobs",
                detail=f"{login} is no member of app_worker.",
                hint=f'Run as a DBA: grant app_worker to "{login}"',
            )
        if is_standby:
            raise DbkitError(
                "this server is a standby",
                detail="Jobs are claimed on the primary.",
                hint="Connect to the primary; with several hosts in the URL, add target_session_attrs=read-write.",
            )
        try:
            self._rows(NEXT, (self.worker, 0, self.queue, list(self.types), *_NOTHING))
        except psycopg.Error as error:
            if error.sqlstate != UNKNOWN:
                raise
            raise DbkitError(
                f"no such queue: {self.queue}",
                detail=f"{error.diag.message_detail}",
                hint="Correct the name, or create it: select core.put_queue('name')",
            ) from None

    def next(
        self, outcomes: Collection[Outcome], held: Collection[Job], wanted: int
    ) -> tuple[list[Job], set[Claim], set[Claim]]:
        """Report outcomes and claim up to `wanted` jobs.

        Args:
            held: jobs whose outcome is still open.
            wanted: 0 to report only.

        Returns:
            The claimed jobs in the order to run; of the outcomes those that were refused: their lease is lost, or the
            job was cancelled; and the cancelled among them.
        """
        settlements = _settlements(outcomes, {job.lease for job in held})
        refused: set[Claim] = set()
        for settlement in settlements[:-1]:
            refused |= self._settle(settlement)
        last = settlements[-1] if settlements else None
        jobs = self._claim(wanted, last.arguments if last else _NOTHING) if wanted else None
        if jobs is None and last is not None:
            refused |= self._settle(last)
        cancelled = refused & self.heartbeat({lease for lease, _ in refused})[1] if refused else set()
        if jobs is None and wanted:
            jobs = self._claim(wanted, _NOTHING)
        return jobs or [], refused, cancelled

    def heartbeat(self, leases: Collection[int]) -> tuple[set[int], set[Claim]]:
        """Extend leases; those that are still held, and of all of them the jobs that were cancelled."""
        rows = self._rows(HEARTBEAT, (list(leases),))
        cancelled = {(lease, job) for lease, _, jobs in rows for job in jobs}
        return {lease for lease, is_held, _ in rows if is_held}, cancelled

    def release(self, jobs: Collection[Job]) -> None:
        """Hand back jobs that were not begun, or whose handlers are given up. A lost lease has nothing to hand back."""
        for lease in dict.fromkeys(job.lease for job in jobs):
            own = [job.id for job in jobs if job.lease == lease]
            if self._unless_refused(RELEASE, (lease, own)) is None and len(own) > 1:
                for one in own:
                    self._unless_refused(RELEASE, (lease, [one]))

    def rescue(self) -> int:
        """Put back the jobs of workers that have died; how many."""
        count: int = self._rows(RESCUE, ())[0][0]
        return count

    def _claim(self, wanted: int, settlement: tuple[Any, ...]) -> list[Job] | None:
        """Settle and claim; None where the settlement was refused, and nothing claimed."""
        rows = self._unless_refused(NEXT, (self.worker, wanted, self.queue, list(self.types), *settlement))
        return None if rows is None else [_job(row) for row in rows]

    def _settle(self, settlement: _Settlement) -> set[Claim]:
        """Report without claiming. Of a refused report each job is tried alone: one lost job must not undo others."""
        if self._unless_refused(COMPLETE, settlement.arguments) is not None:
            return set()
        if settlement.whole:  # what is said of a whole lease is refused when it has lost a job: the jobs are named then
            return self._settle(replace(settlement, whole=False))
        if len(settlement.outcomes) == 1:
            return {settlement.outcomes[0].job.claim}
        return set().union(*(self._settle(_Settlement(settlement.lease, (one,))) for one in settlement.outcomes))

    def _unless_refused(self, query: str, parameters: tuple[Any, ...]) -> list[Any] | None:
        """The rows, or None where the lease or a job is no longer ours."""
        import psycopg

        try:
            return self._rows(query, parameters)
        except psycopg.Error as error:
            if error.sqlstate != CONFLICT:
                raise
            return None

    def _rows(self, query: str, parameters: tuple[Any, ...]) -> list[Any]:
        assert self._connection is not None
        return self._connection.execute(query, parameters).fetchall()


@dataclass(frozen=True, slots=True)
class _Settlement:
    """How jobs of one lease ended.

    Attributes:
        whole: no other job of the lease is open.
    """

    lease: int
    outcomes: tuple[Outcome, ...]
    whole: bool = False

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Lease, done, failed and results as the queue's functions take them."""
        from psycopg.types.json import Jsonb

        failed = [_failure(one) for one in self.outcomes if one.error is not None]
        done = None if self.whole else [one.job.id for one in self.outcomes if one.error is None]
        results = {str(one.job.id): one.result for one in self.outcomes if one.result is not None}
        return self.lease, done, Jsonb(failed) if failed else None, Jsonb(results) if results else None


def _job(row: tuple[Any, ...]) -> Job:
    lease, identifier, tenant, kind, payload, retries, max_retries, seconds = row
    return Job(identifier, lease, tenant, kind, payload, retries + 1, max_retries, seconds)


_NOTHING: tuple[Any, ...] = (None, None, None, None)


def _settlements(outcomes: Collection[Outcome], open_leases: Collection[int]) -> list[_Settlement]:
    by_lease: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        by_lease.setdefault(outcome.job.lease, []).append(outcome)
    return [_Settlement(lease, tuple(found), lease not in open_leases) for lease, found in by_lease.items()]


def _failure(outcome: Outcome) -> Mapping[str, Any]:
    error = outcome.error
    assert error is not None
    failure = {"id": str(outcome.job.id), "error": error.message, "retryable": error.retryable}
    return failure if error.retry_after is None else {**failure, "retry_after": error.retry_after}

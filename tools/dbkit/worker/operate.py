"""What an operator does with jobs: look at them, try failed ones again, cancel waiting ones.

The login must be one that was granted app_platform_admin (or owns the schema); what it may see and do is decided by
the queue's view and functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dbkit.errors import DbkitError
from dbkit.worker.secrets import masked_payload

if TYPE_CHECKING:
    import psycopg

__all__ = ["STATUSES", "Filter", "change", "failed_ids", "find", "health", "search"]

STATUSES = ("pending", "processing", "completed", "failed", "cancelled")

# Newest first, without what they carry.
SEARCH = """
select id, tenant_id, queue, job_type, status, priority, retry_count, max_retries, scheduled_at, created_at,
       error_message
  from core.job_queue
 where {conditions}
 order by created_at desc, id
 limit %(limit)s
"""
CONDITIONS = {
    "status": "status = %(status)s",
    "job_type": "job_type = %(job_type)s",
    "queue": "queue = %(queue)s",
    "tenant": "tenant_id = %(tenant)s",
}
# Left out unless asked for: the history may be millions of jobs, and is not read for a question about the rest.
OPEN = "status <> 'completed'"
FIND = "select * from core.find_job(%s)"
CHANGES = {"retry": "select * from core.platform_retry_job(%s)", "cancel": "select * from core.platform_cancel_job(%s)"}
HEALTH = "select * from core.queue_health order by queue, job_type"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs; None means any, but completed ones only with their status or `history`."""

    status: str | None = None
    job_type: str | None = None
    queue: str | None = None
    tenant: UUID | None = None
    limit: int = 50
    history: bool = False


def search(conninfo: str, wanted: Filter) -> list[dict[str, Any]]:
    """Jobs without their payloads, newest first."""
    parameters = {name: getattr(wanted, name) for name in Filter.__slots__}
    conditions = [text for name, text in CONDITIONS.items() if parameters[name] is not None]
    if wanted.status is None and not wanted.history:
        conditions.append(OPEN)
    with _connection(conninfo) as connection:
        return _rows(connection, SEARCH.format(conditions=" and ".join(conditions) or "true"), parameters)


def find(conninfo: str, job: UUID, *, reveal: bool = False) -> dict[str, Any]:
    """One job with its payload.

    Args:
        reveal: show what stands under keys that name secrets.

    Raises:
        DbkitError: there is no such job, or it is not visible to this login.
    """
    with _connection(conninfo) as connection:
        rows = _rows(connection, FIND, (job,))
    if not rows:
        raise _not_found(job)
    (row,) = rows
    return row if reveal else {**row, "payload": masked_payload(row["payload"])}


def failed_ids(conninfo: str, wanted: Filter) -> list[UUID]:
    """The failed jobs that a filter finds."""
    failed = Filter("failed", wanted.job_type, wanted.queue, wanted.tenant, wanted.limit)
    return [row["id"] for row in search(conninfo, failed)]


def change(conninfo: str, action: str, jobs: Sequence[UUID], *, found: bool = False) -> Iterator[dict[str, Any]]:
    """Retry or cancel jobs, each in a transaction of its own; how each of them stands afterwards.

    Args:
        action: retry or cancel.
        found: the jobs were found by their state, not named: one that somebody else has changed since is passed over.

    Raises:
        DbkitError: a job is not there, or its state does not allow it. Those before it are changed.
    """
    import psycopg

    with _connection(conninfo) as connection:
        for job in jobs:
            try:
                yield _rows(connection, CHANGES[action], (job,))[0]
            except psycopg.Error as error:
                if found and error.sqlstate in ("PT404", "PT409"):
                    continue
                if error.sqlstate == "PT404":
                    raise _not_found(job) from None
                if error.sqlstate == "PT409":
                    raise _refused(action, job, error.diag.message_detail) from None
                raise


def health(conninfo: str) -> list[dict[str, Any]]:
    """Depth, age and failures of each queue and job type."""
    with _connection(conninfo) as connection:
        return _rows(connection, HEALTH, ())


@contextmanager
def _connection(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    import psycopg

    from dbkit.conninfo import cannot_connect
    from dbkit.worker.client import connect

    try:
        connection = connect(conninfo, "dbkit jobs")
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error)) from None
    with connection:
        try:
            yield connection
        except (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.InvalidSchemaName,
            psycopg.errors.UndefinedFunction,
            psycopg.errors.UndefinedTable,
        ) as error:
            raise _no_access(connection.info.user, error) from None


def _rows(connection: psycopg.Connection[Any], query: str, parameters: Any) -> list[dict[str, Any]]:
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _no_access(login: str, error: psycopg.Error) -> DbkitError:
    if error.sqlstate == "42501":
        return DbkitError(
            "this login may not see the queue",
            detail=f"{error.diag.message_primary}.",
            hint=f'Run as a DBA: grant app_platform_admin to "{login}"',
        )
    return DbkitError(
        "no queue in this database",
        detail=f"{error.diag.message_primary}.",
        hint="Apply the migrations of core: dbkit migrate apply core --database URL",
    )


def _not_found(job: UUID) -> DbkitError:
    return DbkitError(
        f"no such job: {job}",
        detail="It does not exist, was purged, or is not visible to this login.",
        hint="Run: dbkit jobs list",
    )


def _refused(action: str, job: UUID, detail: str | None) -> DbkitError:
    allowed = "failed or cancelled" if action == "retry" else "waiting or running"
    return DbkitError(
        f"cannot {action} job {job}",
        detail=detail or f"Only a job that is {allowed} can be.",
        hint=f"Run: dbkit jobs show {job}",
    )

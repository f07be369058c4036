"""What a handler is given and how it says that a job failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from uuid import UUID

__all__ = ["Claim", "Job", "JobError", "Outcome", "PermanentError"]

Claim = tuple[int, UUID]


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed job.

    Attributes:
        id: stays the same over all attempts: what a receiver recognises a repeated delivery by.
        lease: the claim this attempt belongs to; a completion under another lease is refused.
        tenant_id: whose job it is, None for a job of the platform.
        payload: what was enqueued; never written to a log.
        attempt: counts from 1.
        max_retries: further attempts a failing job gets.
        lease_seconds: how long the lease lasts without a heartbeat.
    """

    id: UUID
    lease: int
    tenant_id: UUID | None
    type: str
    payload: Mapping[str, Any] = field(repr=False)
    attempt: int = 1
    max_retries: int = 3
    lease_seconds: int = 60
    _unwanted: Event = field(default_factory=Event, repr=False, compare=False)

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for this attempt any more: a long handler looks here now and then, and returns.

        True once the job was cancelled, went to another worker, or took longer than its handler may.
        """
        return self._unwanted.is_set()

    def abandon(self) -> None:
        """For the worker: let the handler know that its outcome will not be heard."""
        self._unwanted.set()

    @property
    def claim(self) -> Claim:
        """Lease and id: one attempt, where the id alone is the same over all of them."""
        return self.lease, self.id


class JobError(Exception):
    """A handler's word that an attempt failed. The job is tried again unless it says otherwise.

    Args:
        message: what is stored with the job and logged; it must not repeat secrets of the payload.
        retryable: False sends the job to the failed ones at once.
        retry_after: seconds until the next attempt, None for the backoff of the job type.
    """

    def __init__(self, message: str, *, retryable: bool = True, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after


class PermanentError(JobError):
    """A failure that another attempt cannot mend."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended.

    Attributes:
        result: stored with a completed job.
        error: None where the attempt succeeded.
        seconds: time the handler took.
    """

    job: Job
    seconds: float
    result: Mapping[str, Any] | None = None
    error: JobError | None = None

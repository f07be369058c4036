"""Read a payload's keys, and refuse what no further attempt can mend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbkit.worker.job import Job, PermanentError

__all__ = ["mapping", "text"]


def text(job: Job, key: str, *, default: str | None = None) -> str:
    """A string of the payload that is not empty.

    Raises:
        PermanentError: it is missing and has no default, or is something else.
    """
    value = job.payload.get(key, default)
    if not isinstance(value, str) or not value.strip():
        raise PermanentError(f"the payload's {key} is missing or not a text")
    return value


def mapping(job: Job, key: str) -> Mapping[str, Any]:
    """An object of the payload; empty where it is missing.

    Raises:
        PermanentError: it is something else.
    """
    value = job.payload.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PermanentError(f"the payload's {key} is not an object")
    return value

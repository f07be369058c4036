"""Keep what jobs carry out of logs and error columns.

A handler may raise anything, and libraries quote their arguments. Before such a text is stored or logged, the values
of the payload are taken out of it: those of keys that name a secret, those long enough to be recognised, and the
worker's own secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from dbkit.conninfo import masked
from dbkit.worker.job import Job, JobError

__all__ = ["as_job_error", "masked_payload", "scrub"]

_SECRET_KEY = re.compile(r"pass|secret|token|key|auth(?!or)|credential|cookie|signature|pin$|otp", re.IGNORECASE)
# Shorter values are ordinary words that an error message may hold for other reasons.
_SECRET_LENGTH = 4
_ANY_LENGTH = 8
_MESSAGE_LENGTH = 1000


def as_job_error(problem: BaseException, job: Job, secrets: Iterable[str] = ()) -> JobError:
    """What is said of an exception that a handler let through: its type and its scrubbed text, to be tried again."""
    if isinstance(problem, JobError):
        text = scrub(problem.message, job, secrets)
        return JobError(text, retryable=problem.retryable, retry_after=problem.retry_after)
    text = scrub(str(problem), job, secrets)
    return JobError(f"{type(problem).__name__}: {text}" if text else type(problem).__name__)


def scrub(text: str, job: Job, secrets: Iterable[str] = ()) -> str:
    """A text on one line with *** for the payload's values and the worker's secrets, at most 1,000 characters."""
    found = set(_values(job.payload, secret=False)) | {secret for secret in secrets if secret}
    for value in sorted(found, key=len, reverse=True):
        # A library may quote a value as Python or JSON writes it.
        for written in {value, repr(value)[1:-1], json.dumps(value)[1:-1]}:
            text = text.replace(written, "***")
    storable = masked(text).replace("\0", "").encode(errors="replace").decode()
    return " ".join(storable.split())[:_MESSAGE_LENGTH]


def masked_payload(value: Any) -> Any:
    """A payload with *** for what stands under keys that name a secret."""
    if isinstance(value, dict):
        return {
            key: "***" if _SECRET_KEY.search(key) and inner is not None else masked_payload(inner)
            for key, inner in value.items()
        }
    return [masked_payload(inner) for inner in value] if isinstance(value, list) else value


def _values(value: Any, *, secret: bool) -> Iterator[str]:
    """The strings and numbers of a payload that are long enough to be taken out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(inner, secret=secret or bool(_SECRET_KEY.search(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, secret=secret)
    elif value is not None and not isinstance(value, bool):
        text = str(value)
        if len(text) >= (_SECRET_LENGTH if secret else _ANY_LENGTH):
            yield text
            yield from (line for line in text.splitlines() if len(line) >= _ANY_LENGTH)

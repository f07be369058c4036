"""The reference worker: claims jobs of `core`'s queue, runs the handlers of their types, reports how they ended.

`settings` reads what the operator configured, `registry` finds handlers, `lease` speaks to the queue, `pool` runs
handlers in threads, `wakeup` says when to look for work, `loop` ties them together, `log` tells what happened.
Everything the worker does goes through the SQL functions of the queue, so a worker in another language is its equal.
"""

from __future__ import annotations

from dbkit.worker.job import Job, JobError, PermanentError
from dbkit.worker.registry import handler

__all__ = ["Job", "JobError", "PermanentError", "handler"]

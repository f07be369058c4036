"""Find the function that does a job's work: our own handlers, those of installed packages, those of named modules.

    from dbkit.worker import Job, handler

    @handler("resize_image", timeout=120)
    def resize(job: Job) -> dict[str, object]:
        ...
        return {"width": 640}

A package names its module under the entry point group `dbkit.handlers`; a project names it with `--handlers` or
`[worker] handlers`. A later one of these takes a type over from an earlier one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from dbkit.errors import DbkitError
from dbkit.worker.job import Job

__all__ = ["Handler", "Work", "find_handlers", "handler"]

Work = Callable[[Job], Mapping[str, Any] | None]

GROUP = "dbkit.handlers"
DEFAULT_TIMEOUT = 300.0
_MARK = "__dbkit_handler__"


@dataclass(frozen=True, slots=True)
class Handler:
    """What does the work of one job type.

    Attributes:
        work: gets the job; what it returns is stored as the result, what it raises fails the attempt.
        timeout: seconds after which the attempt counts as failed, whatever the function still does.
        origin: where it was found, for messages.
    """

    type: str
    work: Work
    timeout: float = DEFAULT_TIMEOUT
    origin: str = "dbkit"


def handler(job_type: str, *, timeout: float = DEFAULT_TIMEOUT) -> Callable[[Work], Work]:
    """Mark a function as the handler of a job type.

    Args:
        timeout: seconds an attempt may take.
    """

    def mark(work: Work) -> Work:
        setattr(work, _MARK, (job_type, timeout))
        return work

    return mark


def find_handlers(shipped: Iterable[Handler], modules: Iterable[str], root: Path) -> dict[str, Handler]:
    """Job type -> handler.

    Args:
        shipped: our own handlers.
        modules: dotted names of modules, looked up in `root` first.
        root: the project's folder.

    Raises:
        DbkitError: a module cannot be imported, or holds no handler.
    """
    found = {one.type: one for one in shipped}
    for entry in entry_points(group=GROUP):
        found.update(_of_module(entry.value, f"entry point {entry.name}"))
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    for name in modules:
        found.update(_of_module(name, f"module {name}"))
    return found


def _of_module(name: str, origin: str) -> dict[str, Handler]:
    module = _import(name)
    marked = {
        value: getattr(value, _MARK) for value in vars(module).values() if callable(value) and hasattr(value, _MARK)
    }
    if not marked:
        raise DbkitError(
            f"no handlers in {name}",
            detail=f"{origin} was imported, but holds no function marked with @handler.",
            hint='Mark one: from dbkit.worker import handler; @handler("send_letter").',
        )
    return {kind: Handler(kind, work, timeout, origin) for work, (kind, timeout) in marked.items()}


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise DbkitError(
            f"cannot import handlers: {name}",
            detail=f"{type(error).__name__}: {error}.",
            hint="Name a module as Python imports it, such as myapp.jobs, in the project's folder or installed.",
        ) from error

"""Whether stderr is a terminal whose last line can be written over, and the writing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["can_redraw", "redraw", "status_line"]


def can_redraw() -> bool:
    """False for a file, a pipe, and a terminal that says it knows no control sequences."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def redraw(text: str = "") -> None:
    """Put `text` in place of stderr's last line. Only where `can_redraw`."""
    sys.stderr.write(f"\r\033[K{text}")
    sys.stderr.flush()


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """Says on a terminal's last line what is being done, and nothing anywhere else."""
    if not can_redraw():
        yield lambda _: None
        return
    try:
        yield lambda text: redraw(f"{text} …")
    finally:
        redraw()

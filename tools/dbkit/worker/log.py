"""What happened, one line an event: for people, or as JSON for whatever collects logs.

Lines hold ids, types, times and scrubbed errors. Nothing of a payload gets here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

__all__ = ["Log", "make_log"]

Log = Callable[..., None]


def make_log(output_format: str, stream: TextIO | None = None, *, unread: Callable[[], None] = lambda: None) -> Log:
    """A function `log(event, **facts)`. It never fails: what became of a job stands in the queue too.

    Args:
        output_format: text or json.
        stream: default stdout. Every line is flushed: a killed worker's last words count.
        unread: called when nobody reads the log any more. A line for which the disk has no room is left out.
    """
    target = stream or sys.stdout
    write = _as_json if output_format == "json" else _as_text

    def log(event: str, **facts: Any) -> None:
        known = {name: value for name, value in facts.items() if value is not None}
        try:
            target.write(write(datetime.now(UTC), event, known) + "\n")
            target.flush()
        except BrokenPipeError:
            unread()
        except OSError:
            pass

    return log


def _as_json(at: datetime, event: str, facts: dict[str, Any]) -> str:
    return json.dumps(
        {"at": at.isoformat(timespec="milliseconds"), "event": event, **facts}, default=str, ensure_ascii=False
    )


def _as_text(at: datetime, event: str, facts: dict[str, Any]) -> str:
    words = [at.strftime("%Y-%m-%d %H:%M:%S"), event.replace("_", " ")]
    words += (f"{name}={_word(value)}" for name, value in facts.items())
    return " ".join(words)


def _word(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    text = str(value)
    return text if text and text.isprintable() and " " not in text else json.dumps(text, ensure_ascii=False)

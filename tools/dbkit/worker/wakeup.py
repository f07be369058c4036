"""When to look for work: at once after a notification, else at a pace that follows how busy the queue is.

Enqueueing notifies through a gate: of transactions that commit together only one does, and its notification may come
before the others are visible. So a worker that was woken looks again soon, and only slowly gives up.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Backoff", "Pace", "listen"]

SHORTEST = 0.005
# The longest pause while jobs came or were announced in the last seconds.
ALERT_PAUSE = 0.1
ALERT_SECONDS = 2.0
# The longest pause where nobody can wake us.
DEAF_PAUSE = 0.25


@dataclass
class Pace:
    """The pause before the next look.

    Attributes:
        idle: longest pause of a worker that notifications reach, seconds.
        listening: whether they do.
    """

    idle: float
    listening: bool = False
    _pause: float = 0.0
    _alert_until: float = field(default_factory=lambda: time.monotonic() + ALERT_SECONDS)

    def busy(self) -> None:
        """There was work, or word of it: look again at once."""
        self._pause = 0.0
        self._alert_until = time.monotonic() + ALERT_SECONDS

    def empty(self) -> float:
        """There was none; seconds until the next look."""
        longest = self.idle if self.listening else min(self.idle, DEAF_PAUSE)
        if time.monotonic() < self._alert_until:
            longest = min(longest, ALERT_PAUSE)
        self._pause = min(max(self._pause * 1.6, SHORTEST), longest)
        # Workers that were woken together must not look together for ever.
        return self._pause * random.uniform(0.8, 1.2)


@dataclass
class Backoff:
    """Pauses between attempts to reach a server: doubling, spread, at most 10 s."""

    _attempt: int = 0

    def next(self) -> float:
        pause: float = min(0.1 * 2**self._attempt, 10.0) * random.uniform(0.5, 1.0)
        self._attempt = min(self._attempt + 1, 10)
        return pause

    def reset(self) -> None:
        self._attempt = 0


def listen(
    conninfo: str, channel: str, queue: str, wake: Callable[[], None], listening: Callable[[bool], None]
) -> threading.Thread:
    """Wake a worker at each notification, from a thread with a connection of its own, for as long as the process runs.

    Args:
        queue: the payload of the notifications that concern us.
        wake: called at each notification, and after each connect, since notifications may have been missed.
        listening: told whether notifications reach us. Behind a pooler none would, and LISTEN would stay behind in a
            server process that others use: there the thread ends and only the pace counts.
    """
    thread = threading.Thread(
        target=_listen, args=(conninfo, channel, queue, wake, listening), name="dbkit-listen", daemon=True
    )
    thread.start()
    return thread


def _listen(
    conninfo: str, channel: str, queue: str, wake: Callable[[], None], listening: Callable[[bool], None]
) -> None:
    import psycopg
    from psycopg import sql

    from dbkit.worker.client import connect

    backoff = Backoff()
    while True:
        try:
            with connect(conninfo, "dbkit worker (listen)") as connection:
                row = connection.execute("select pg_backend_pid()").fetchone()
                if row is None or row[0] != connection.info.backend_pid:  # libpq was told the pooler's own number
                    return
                connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                backoff.reset()
                listening(True)
                wake()
                for notification in connection.notifies():
                    if notification.payload == queue:
                        wake()
        except psycopg.Error:
            pass  # the worker's own connection tells of a lost server
        listening(False)
        time.sleep(backoff.next())

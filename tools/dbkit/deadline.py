"""End a wait that nothing else would end, by cutting the connection that is waited on.

A timeout of a socket counts anew from byte to byte, and one of the server is the server's own to keep: neither ends the
wait for a peer that trickles, or for a server whose disk hangs.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

__all__ = ["cut", "cut_at", "is_cancelling", "watch_cancelling"]


def cut(descriptor: int) -> None:
    """End a connection both ways, whoever reads from it or writes to it at this moment: they see it closed by the peer.

    Args:
        descriptor: of its socket; stays open, and its owner's to close.
    """
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as twin:
        twin.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut_at(deadline: float, descriptor: int) -> Iterator[None]:
    """End a connection when its time is over, unless the block has been left by then.

    Args:
        deadline: by the monotonic clock.
        descriptor: of its socket.
    """
    # A twin of its own: the owner may close the socket, or hand it over to TLS, and the number be given to another.
    twin = os.dup(descriptor)
    timer = threading.Timer(max(deadline - time.monotonic(), 0), cut, (twin,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        os.close(twin)


def is_cancelling(frame: FrameType | None) -> FrameType | None:
    """The frame of a stack in which psycopg asks a server to cancel what it is doing, None where it does not."""
    while frame is not None:
        if frame.f_code.co_name == "_try_cancel" and frame.f_globals.get("__name__") == "psycopg.connection":
            return frame
        frame = frame.f_back
    return None


def watch_cancelling(thread: int, seconds: float, interrupt: Callable[[], None]) -> None:
    """Watch an interrupted thread, to the end of the process: psycopg gives a server ten seconds to cancel.

    Args:
        thread: its identifier.
        seconds: how long a server may take to accept the request; then the connection is cut.
        interrupt: called then.
    """
    seen, since = None, 0.0
    while True:
        time.sleep(0.1)
        now, frame = time.monotonic(), is_cancelling(sys._current_frames().get(thread))
        if frame is not seen:
            seen, since = frame, now
        elif frame is not None and now - since >= seconds:
            with suppress(Exception):  # it has been closed meanwhile
                cut(frame.f_locals["self"].fileno())
            interrupt()
            since = now

"""End a wait that nothing else would end, by cutting the connection that is waited on.

A timeout of a socket counts anew from byte to byte, and one of the server is the server's own to keep: neither ends the
wait for a peer that trickles, or for a server whose disk hangs.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["cut", "cut_at"]


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

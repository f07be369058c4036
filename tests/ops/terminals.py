"""`dbkit top` on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dbkit.config import Config

PATIENCE_SECONDS = 120


@dataclass
class Terminal:
    """A process on a terminal of 160 columns, and what it has drawn so far."""

    process: subprocess.Popen[bytes]
    screen: int
    drawn: bytes = b""

    def wait_for(self, *texts: bytes) -> None:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not all(text in self.drawn for text in texts):
            assert time.monotonic() < give_up, self.drawn
            ready, _, _ = select.select([self.screen], [], [], 0.2)
            if ready:
                self.drawn += os.read(self.screen, 65536)

    def press(self, key: bytes) -> int:
        os.write(self.screen, key)
        return self.leave()

    def leave(self) -> int:
        """The exit code; what is still drawn is read, or the process would wait for its reader."""
        ready = True
        # Its last words may still lie in the terminal when it has ended.
        while self.process.poll() is None or ready:
            ready = bool(select.select([self.screen], [], [], 0.1)[0])
            if ready:
                self.drawn += os.read(self.screen, 65536)
        return self.process.returncode


@contextmanager
def terminal(config: Config, *arguments: str) -> Iterator[Terminal]:
    screen, stdin = pty.openpty()
    fcntl.ioctl(stdin, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))
    before = termios.tcgetattr(stdin)
    process = subprocess.Popen(
        [sys.executable, "-m", "dbkit", "top", *arguments], cwd=config.root, stdin=stdin, stdout=stdin, stderr=stdin,
        env={**os.environ, "TERM": "xterm-256color"}, start_new_session=True,
    )  # fmt: skip
    try:
        yield Terminal(process, screen)
        assert termios.tcgetattr(stdin) == before, "the terminal is as it was"
    finally:
        process.kill()
        process.wait()
        os.close(stdin)
        os.close(screen)

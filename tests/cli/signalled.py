"""Run a dbkit command that gets signals so many seconds after its disposable server answers.

The command's own process sends them: a test's process may get no processor for longer than the command takes.

Usage: signalled.py NUMBER PAUSE TIMES COMMAND…
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from dbkit import cli


def answers() -> bool:
    """Whether a server of our run folder is ready."""
    try:
        return any("ready" in file.read_text() for file in Path(os.environ["DBKIT_RUN_DIR"]).glob("*/data/*.pid"))
    except (OSError, UnicodeDecodeError):
        return False  # it is being written, or removed


def send(number: int, pause: float, times: int) -> None:
    while not answers():
        time.sleep(0.002)
    time.sleep(pause)
    for _ in range(times):
        os.kill(os.getpid(), number)
        time.sleep(0.01)


if __name__ == "__main__":
    number, pause, times = sys.argv[1:4]
    del sys.argv[1:4]
    threading.Thread(target=send, args=(int(number), float(pause), int(times)), daemon=True).start()
    cli.main()

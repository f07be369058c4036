"""The folder a disposable server lives in, and the removal of folders whose owner died.

A run folder is `dbkit-<pid>-XXXX`, held by an flock on its `owner.lock` for as long as the owning process lives. The
kernel drops the lock however the process ends, so the next start can tell a live neighbour from a leftover.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dbkit.config import cache_dir
from dbkit.errors import DbkitError

__all__ = ["RunDir", "ServerUser", "reap", "server_cache_dir", "server_user"]

PREFIX = "dbkit-"
LOCK_FILE = "owner.lock"
# How often a start tries to remove what a dead run still writes, before it leaves the folder to the next start.
# Counted and not timed: while this process gets no processor, the other one may end.
_REMOVAL_ATTEMPTS = 50
_REMOVAL_PAUSE_SECONDS = 0.02
# Below this a tmpfs is a container's default mount and too small for a cluster.
MINIMUM_SHM_BYTES = 1 << 30


@dataclass(frozen=True)
class ServerUser:
    """The account a server runs as; PostgreSQL refuses root."""

    name: str
    uid: int
    gid: int


def server_user() -> ServerUser | None:
    """None to stay who we are; as root, `postgres` where that account exists, else `nobody`.

    Raises:
        DbkitError: we run as a uid without an account, which initdb refuses.
    """
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise DbkitError(
                f"user id {os.geteuid()} has no account",
                detail="initdb looks its user up by name and fails without one.",
                hint='Use the docker provider, or add an account for this id to "/etc/passwd".',
            ) from None
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(name, entry.pw_uid, entry.pw_gid)
    raise DbkitError(
        "no account to run PostgreSQL as",
        detail="PostgreSQL refuses to run as root, and neither postgres nor nobody exists here.",
        hint="Create the account: useradd --system postgres",
    )


def server_cache_dir() -> Path:
    """Cache folder that the server account can read too: root's own cache lies in a closed home."""
    if os.geteuid() == 0 and "DBKIT_CACHE_DIR" not in os.environ:
        return Path("/var/cache/dbkit")
    return cache_dir()


class RunDir:
    """A fresh folder, owned by the server account, locked by this process.

    Attributes:
        path: the folder; removed by `remove`.
        user: the server account, None when it is our own.
    """

    def __init__(self, user: ServerUser | None) -> None:
        self.user = user
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=_root()))
        # Lock first, then give the file its name: a neighbour's `reap` never sees an unlocked owner.lock of ours.
        unnamed = self.path / "owner.new"
        self._lock: IO[str] = unnamed.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(self.path / LOCK_FILE)
        if user is not None:
            os.chown(self.path, user.uid, user.gid)

    def remove(self) -> None:
        """Delete the folder and give up the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def reap() -> list[Path]:
    """Remove run folders whose owner is gone, stopping their servers first; returns what was removed."""
    removed = []
    for root in {_root(), Path(tempfile.gettempdir())}:
        for path in root.glob(f"{PREFIX}[0-9]*-*"):
            if path.is_dir() and _is_orphan(path):
                _kill_server(path)
                if _remove_orphan(path):
                    removed.append(path)
    return removed


def _root() -> Path:
    """/dev/shm where it is large enough, else the temporary folder."""
    chosen = os.environ.get("DBKIT_RUN_DIR")
    if chosen:
        Path(chosen).mkdir(parents=True, exist_ok=True)
        return Path(chosen)
    shm = Path("/dev/shm")
    if shm.is_dir() and os.access(shm, os.W_OK):
        usage = os.statvfs(shm)
        if usage.f_bavail * usage.f_frsize >= MINIMUM_SHM_BYTES:
            return shm
    return Path(tempfile.gettempdir())


def _is_orphan(path: Path) -> bool:
    try:
        lock = (path / LOCK_FILE).open("r+")
    except FileNotFoundError:
        # Between mkdtemp and the lock, or half removed: leave the young alone.
        try:
            return time.time() - path.stat().st_mtime > 60
        except OSError:
            return False
    except OSError:
        return False  # another user's
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _remove_orphan(path: Path) -> bool:
    """Delete a run folder, its lock last: what cannot be deleted yet is still an orphan to the next start.

    A program of the dead run may be at work for a moment longer (`cp`, a backend on its way out) and write into what
    is being deleted.
    """
    for _ in range(_REMOVAL_ATTEMPTS):
        for child in _children(path):
            if child.name != LOCK_FILE:
                shutil.rmtree(child, ignore_errors=True) if child.is_dir() else child.unlink(missing_ok=True)
        if all(child.name == LOCK_FILE for child in _children(path)):
            shutil.rmtree(path, ignore_errors=True)
            return not path.exists()
        time.sleep(_REMOVAL_PAUSE_SECONDS)
    return False


def _children(path: Path) -> list[Path]:
    """What lies in a folder that a neighbour's start may be removing at this moment."""
    try:
        return list(path.iterdir())
    except FileNotFoundError:
        return []


def _kill_server(path: Path) -> None:
    """Stop the postmaster that still runs from this folder, if any, and wait until it is gone."""
    try:
        pid = int((path / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if os.fsencode(path) not in command_line:
        return  # the pid belongs to somebody else by now
    try:
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and (path / "data" / "postmaster.pid").exists():
            time.sleep(0.01)
        if (path / "data" / "postmaster.pid").exists():
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass

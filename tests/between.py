"""What stands between a client and its server: a transaction pooler, or a line that falls silent."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PATIENCE_SECONDS = 60.0


@contextmanager
def transaction_pooler(conninfo: str, *settings: str, login: str | None = None, servers: int = 3) -> Iterator[str]:
    """A pgbouncer in transaction mode; the way to the same database through it.

    Args:
        settings: lines of its configuration.
        login: who connects; None for whom `conninfo` names.
        servers: how many connections to the server it makes at most.
    """
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("skipped: pgbouncer is not installed (apt-get install pgbouncer)")
    target = conninfo_to_dict(conninfo)
    user, port = str(login or target.get("user") or "postgres"), free_port()
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    (folder / "users.txt").write_text(f'"{user}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={target['host']} port={target['port']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = {servers}\n"
        + "".join(f"{setting}\n" for setting in settings)
    )
    # pgbouncer refuses root, and only the server's own user may use its socket folder.
    as_user = ["-u", Path(str(target["host"])).owner()] if os.getuid() == 0 else []
    command = [program, *as_user, str(folder / "pgbouncer.ini")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        through = make_conninfo(host="127.0.0.1", port=port, dbname=target["dbname"], user=user)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(through):
            assert time.monotonic() < deadline, "the pooler does not answer"
            time.sleep(0.02)
        try:
            yield through
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
            shutil.rmtree(folder)


def answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError:
        return False
    return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Line:
    """A way to a server over TCP that can fall silent: connections stay, and nothing is passed on.

    Attributes:
        conninfo: the way.
        silent: whether nothing is passed on now.
        answers: after so many it falls silent, the one that lets a client in being the first; None: never by itself.
    """

    conninfo: str
    silent: threading.Event = field(default_factory=threading.Event)
    answers: int | None = None


@contextmanager
def line_to(conninfo: str, answers: int | None = None) -> Iterator[Line]:
    """A line to the server of a connection string, as long as the block runs."""
    target = conninfo_to_dict(conninfo)
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    line = Line(make_conninfo(conninfo, host="127.0.0.1", port=listening.getsockname()[1]), answers=answers)
    ends: list[socket.socket] = [listening]

    def pass_on(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while line.silent.is_set() and not over.is_set():
                    time.sleep(0.01)
                sink.sendall(data)
                if line.answers is not None and b"Z\0\0\0\5" in data:  # ready for the next query
                    line.answers -= 1
                    if line.answers <= 0:
                        line.silent.set()
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while not over.is_set():
                client, _ = listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{target['host']}/.s.PGSQL.{target['port']}")
                ends.extend((client, server))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pass_on, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield line
    finally:
        over.set()
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

"""Ctrl-C ends a command also where its server is silent: before it let us in, or in the middle of a statement."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from between import line_to

from dbkit.postgres import Database

SOMEBODY = "11111111-1111-4111-8111-111111111111"
IMPORT = ["import", "rental.import_units", "rows.csv", "--user", SOMEBODY, "--tenant", SOMEBODY]
STATUS = ["migrate", "status", "--config", str(Path(__file__).resolve().parents[2] / "dbkit.toml")]


def interrupted(command: list[str], folder: Path, when: Callable[[subprocess.Popen[str]], None]) -> str:
    """What a command says that ends after Ctrl-C."""
    with subprocess.Popen(
        [sys.executable, "-m", "dbkit", *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        when(process)
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 2, said
        return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("name\nx\n")
    return tmp_path


@pytest.mark.parametrize("command", [["health"], ["worker"], IMPORT, ["backup", "--directory", "."], ["drift"]])
def test_before_the_server_lets_us_in(command: list[str], folder: Path) -> None:
    held: list[socket.socket] = []
    come = threading.Event()

    def accept(listening: socket.socket) -> None:
        held.append(listening.accept()[0])
        come.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, args=(listening,), daemon=True).start()
        url = f"postgresql://u@127.0.0.1:{listening.getsockname()[1]}/d"
        said = interrupted([*command, "--database", url], folder, lambda _: come.wait(60) and time.sleep(0.3))
    for end in held:
        end.close()
    assert "error: interrupted\n" in said


def test_in_the_middle_of_a_statement(folder: Path, core_db: Database) -> None:
    with line_to(core_db.conninfo, answers=1) as line:

        def until_silent(process: subprocess.Popen[str]) -> None:
            assert line.silent.wait(60)
            time.sleep(0.5)  # it has asked for something by now; if not, it will be as interrupted
            assert process.poll() is None

        said = interrupted([*STATUS, "--database", line.conninfo], folder, until_silent)
    assert "error: interrupted\n" in said

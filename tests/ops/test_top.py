"""`dbkit top` on a terminal: it draws, survives a lost server session, and leaves the terminal as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from operators_shell import Shell

from dbkit.config import Config
from dbkit.ops.screen import render_text
from dbkit.ops.top import PANELS, look, prepare
from dbkit.postgres import Database

PATIENCE_SECONDS = 30


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


def test_it_draws_until_q_is_pressed(config: Config, core_db: Database) -> None:
    with terminal(config, "--database", core_db.conninfo, "--interval", "0.2") as seen:
        seen.wait_for(b"Connections", b"transactions/s", b"Waiting for locks")
        assert seen.press(b"q") == 0
    assert b"\x1b[?1049h" in seen.drawn and b"\x1b[?1049l" in seen.drawn, "the lines before it are back"


def test_ctrl_c_leaves_too(config: Config, core_db: Database) -> None:
    with terminal(config, "--database", core_db.conninfo, "--interval", "0.2") as seen:
        seen.wait_for(b"Connections")
        seen.process.send_signal(signal.SIGINT)
        assert seen.leave() == 0


def test_a_lost_session_is_said_and_made_again(config: Config, core_db: Database) -> None:
    with terminal(config, "--database", core_db.conninfo, "--interval", "0.3") as seen:
        seen.wait_for(b"Connections")
        with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'dbkit' and datname = current_database()"
            )
        seen.wait_for(b"no answer since")
        seen.drawn = b""
        seen.wait_for(b"transactions/s", b"Connections")
        assert seen.press(b"q") == 0


def test_a_database_that_cannot_be_reached_ends_it_at_once(config: Config) -> None:
    with terminal(config, "--database", "host=/nowhere dbname=x") as seen:
        assert seen.leave() == 2
    assert b"cannot connect to the database" in seen.drawn


def test_a_login_that_may_see_nothing_is_told_so_in_each_place(core_db: Database) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        connection.execute("set role app_user")
        prepare(connection)
        frame = look(connection)
        assert {name for name, panel in frame.panels.items() if panel.problem is None} == set()
        assert "unknown: permission denied for view alert_status" in render_text(frame)
        connection.execute("set role app_monitor")
        seen = look(connection, frame)
        assert [name for name, panel in seen.panels.items() if panel.problem] == ["queries"]  # no pg_stat_statements
        assert seen.rate is not None and seen.rate >= 0


def test_texts_of_statements_cannot_move_the_cursor(core_db: Database) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        connection.execute(
            "insert into core.cron_runs (name, finished_at, ok, message)"
            " values ('evaluate-alerts', now(), false, e'oops \\x1b[2J [bold]not bold[/bold]\\nnext line')"
        )
        shown = render_text(look(connection))
    assert "\x1b" not in shown
    assert "oops  [2J [bold]not bold[/bold] next line" in shown


def test_json_has_every_panel(shell: Shell) -> None:
    document = shell.json("top", "--once")
    assert document["command"] == "top"
    assert list(document["panels"]) == list(PANELS)
    (server,) = [row for row in document["panels"]["connections"]["rows"] if row["database"] == "(server)"]
    assert server["used"] >= 1


@pytest.mark.parametrize("interval", ["0", "-1", "soon"])
def test_an_interval_is_a_number_of_seconds(shell: Shell, interval: str) -> None:
    done = shell("top", "--interval", interval)
    assert (done.returncode, done.stdout) == (2, "")

"""`dbkit top` on a terminal: it draws, survives a lost server session, and leaves the terminal as it was."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from io import StringIO

import psycopg
import pytest
from operators_shell import Shell
from rich.console import Console
from terminals import terminal

from dbkit.config import Config
from dbkit.ops.screen import draw, render_text
from dbkit.ops.top import PANELS, Frame, Panel, look
from dbkit.postgres import Database


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


def test_a_backup_that_never_was_is_a_value_json_has(config: Config, core_db: Database) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
        admin.execute("select core.evaluate_alerts('backup_missing')")
        admin.execute("insert into core.error_events (action, message) select 'a', 'm' from generate_series(1, 51)")
        admin.execute("select core.evaluate_alerts('high_error_count')")
    values = {
        row["rule"]: row["value"]
        for row in Shell(config, core_db.conninfo).json("top", "--once")["panels"]["alerts"]["rows"]
    }
    assert values == {"backup_missing": "Infinity", "high_error_count": 51.0}


def test_a_login_that_may_see_nothing_is_told_so_in_each_place(core_db: Database) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        connection.execute("set role app_user")
        frame = look(connection)
        assert {name for name, panel in frame.panels.items() if panel.problem is None} == set()
        assert "unknown: permission denied for view alert_status" in render_text(frame)
        connection.execute("set role app_monitor")
        seen = look(connection, frame)
        assert [name for name, panel in seen.panels.items() if panel.problem] == ["queries"]  # no pg_stat_statements
        assert seen.rate is not None and seen.rate >= 0


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_long_text_gives_way_and_no_number_does(width: int) -> None:
    rows = ((12_345.6, 7, "select " + "x" * 300), (8.5, 1_234_567, "select 1"))
    panels = {"queries": Panel("Slow queries", ("mean_ms", "calls", "query"), rows, "none")}
    frame = Frame(datetime.now(UTC), "app", "15.4", 1, None, 0, panels)
    console = Console(width=width, color_system=None, file=StringIO())
    console.print(draw(frame, width))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.split()[:2] for line in lines[-2:]] == [["12,345.6", "7"], ["8.5", "1,234,567"]]
    assert max(map(len, lines)) <= width and lines[-2].rstrip().endswith("…")


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

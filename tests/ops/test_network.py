"""Operators' commands through a transaction pooler, and where the server falls silent."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
from between import line_to, transaction_pooler
from operators_shell import Shell
from psycopg.conninfo import make_conninfo
from terminals import terminal

from dbkit.config import Config
from dbkit.postgres import Database


def test_no_setting_stays_behind_in_a_pooler_s_connection(config: Config, core_db: Database) -> None:
    with transaction_pooler(core_db.conninfo, servers=1) as through:
        shell = Shell(config, through)
        assert shell("health").returncode < 2
        assert shell("top", "--once").returncode == 0
        assert shell("cron", "list").returncode == 0
        with psycopg.connect(through, autocommit=True, prepare_threshold=None) as connection:
            changed = connection.execute(
                "select name, setting from pg_settings where source = 'session' and name like '%timeout%'"
            ).fetchall()
    assert changed == []


def test_top_goes_on_behind_a_pooler(config: Config, core_db: Database) -> None:
    with (
        transaction_pooler(core_db.conninfo, servers=1) as through,
        terminal(config, "--database", through, "--interval", "0.2") as first,
        terminal(config, "--database", through, "--interval", "0.2") as second,
    ):
        for seen in (first, second):
            seen.wait_for(b"transactions/s")
            seen.drawn = b""
        time.sleep(3)  # a dozen frames: what psycopg would prepare by then
        for seen in (first, second):
            seen.wait_for(b"transactions/s")
            assert seen.press(b"q") == 0
            assert b"unknown: prepared" not in seen.drawn
            assert b"no answer" not in seen.drawn


def sleepy(database: Database) -> None:
    """Let the health check take a minute."""
    with psycopg.connect(database.conninfo, autocommit=True) as admin:
        admin.execute(
            "create or replace function core.health_check() returns jsonb language sql"
            " return to_jsonb(pg_sleep(60)::text)"
        )


def test_a_database_that_is_too_busy_for_its_health_check_is_an_error(shell: Shell, core_db: Database) -> None:
    sleepy(core_db)
    done = shell("health")
    assert done.returncode == 2
    assert done.stderr.startswith("error: the database is too busy to say how it is\ndetail: ")
    assert "\nhint: " in done.stderr


def test_health_of_a_server_that_hangs_is_an_error(config: Config, core_db: Database) -> None:
    """Its kernel still takes what is sent, as while its disk hangs, and no limit of its own is kept then."""
    sleepy(core_db)
    asked = "select exists (select from pg_stat_activity where query = 'select core.health_check()')"
    with line_to(core_db.conninfo) as line, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(Shell(config, line.conninfo), "health")
        with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
            while admin.execute(asked).fetchone() == (False,):
                assert not answer.done(), answer.result().stderr
                time.sleep(0.02)
        line.silent.set()
        done = answer.result()
    assert done.returncode == 2
    assert done.stderr.startswith("error: the server does not answer\ndetail: ")
    assert "\nhint: " in done.stderr


def test_top_says_that_the_server_is_silent_and_still_hears_q(config: Config, core_db: Database) -> None:
    with line_to(core_db.conninfo) as line:
        url = make_conninfo(line.conninfo, connect_timeout="2")
        with terminal(config, "--database", url, "--interval", "0.2") as seen:
            seen.wait_for(b"transactions/s")
            line.silent.set()
            seen.wait_for(b"no answer since", b"the server does not answer")
            assert seen.press(b"q") == 0
        assert b"error ignored" not in seen.drawn


def test_q_is_heard_behind_other_keys(config: Config, core_db: Database) -> None:
    """An arrow key is three bytes at once, and what is read too far must not be lost."""
    with terminal(config, "--database", core_db.conninfo, "--interval", "600") as seen:
        seen.wait_for(b"Connections")
        os.write(seen.screen, b"\x1b[A\x1b[Bq")
        assert seen.leave() == 0

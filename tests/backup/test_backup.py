"""`dbkit backup`: whole or not at all, by a login that sees every row, with a manifest that is true."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import sys
import time
from datetime import datetime, tzinfo
from pathlib import Path

import pytest
from between import transaction_pooler
from production import PEOPLE, Production

from dbkit.backup import dump as dumping
from dbkit.backup.dump import back_up, digest, manifest_path, read_manifest
from dbkit.backup.programs import client_program
from dbkit.config import Config
from dbkit.errors import DbkitError


def test_a_backup_says_what_it_holds_and_is_recorded(config: Config, production: Production, tmp_path: Path) -> None:
    path, manifest = back_up(config, production.backup, tmp_path)
    assert path.read_bytes()[:5] == b"PGDMP"
    assert (manifest.size, manifest.sha256) == (path.stat().st_size, digest(path))
    assert manifest.picture.rows["core.tenants"] == PEOPLE
    assert manifest.picture.rows["core.backup_runs"] == 0  # this backup is not part of itself
    assert set(manifest.picture.migrations) == {"core", "rental", "storage"}
    assert "app_definer" in manifest.picture.roles
    assert read_manifest(path) == manifest
    assert production.ask("select id, kind, size_bytes, ok, finished_at is not null from core.backup_runs") == [
        (manifest.backup_id, "dump", manifest.size, True, True)
    ]


def test_only_the_owner_may_read_the_files(config: Config, production: Production, tmp_path: Path) -> None:
    path, _ = back_up(config, production.backup, tmp_path / "new")
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, path.name + ".json"]
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_login_under_row_security_is_refused_and_leaves_nothing(
    config: Config, production: Production, tmp_path: Path
) -> None:
    """dbkit_migrator may read every table, and would save none of the rows."""
    with pytest.raises(DbkitError, match="sees only the rows that row security lets it see"):
        back_up(config, production.migrator, tmp_path)
    assert list(tmp_path.iterdir()) == []
    production.run("alter role dbkit_migrator bypassrls")  # its twin with the right that was missing
    try:
        production.run("grant pg_read_all_data to dbkit_migrator")
        assert back_up(config, production.migrator, tmp_path)[1].picture.rows["core.tenants"] == PEOPLE
    finally:
        production.run("alter role dbkit_migrator nobypassrls", "revoke pg_read_all_data from dbkit_migrator")


def test_rows_no_policy_lets_anybody_see_are_saved(config: Config, production: Production, tmp_path: Path) -> None:
    production.run(
        "create table core.closed (id integer)",
        "alter table core.closed enable row level security",
        "alter table core.closed force row level security",
        "insert into core.closed select generate_series(1, 7)",
    )
    assert back_up(config, production.backup, tmp_path)[1].picture.rows["core.closed"] == 7


def test_a_table_that_may_not_be_read_is_an_error(config: Config, production: Production, tmp_path: Path) -> None:
    production.run("revoke pg_read_all_data from dbkit_backup")
    try:
        with pytest.raises(DbkitError) as refusal:
            back_up(config, production.backup, tmp_path)
    finally:
        production.run("grant pg_read_all_data to dbkit_backup")
    assert "permission denied" in (refusal.value.detail or "")
    assert list(tmp_path.iterdir()) == []
    assert production.ask("select ok from core.backup_runs") == [(False,)]


def test_a_dump_that_fails_leaves_no_file_and_is_recorded(
    config: Config, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho half > ${4#--file=}\necho 'pg_dump: error: no space left' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(dumping, "client_program", lambda *_: program)
    with pytest.raises(DbkitError) as failure:
        back_up(config, production.backup, tmp_path / "backups")
    assert failure.value.detail == "no space left."
    assert list((tmp_path / "backups").iterdir()) == []
    assert production.ask("select ok, size_bytes from core.backup_runs") == [(False, None)]


@pytest.mark.parametrize(
    ("complaint", "hint"),
    [
        ("could not write to output file: No space left on device", "Free some space in "),
        ('query failed: ERROR:  permission denied for table "t"', "grant pg_read_all_data"),
        ("Dumping the contents of table t failed: PQgetResult() failed.", "run it again"),
    ],
)
def test_what_pg_dump_complains_of_is_mended(
    config: Config, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaint: str, hint: str
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(f"#!/bin/sh\necho '{complaint}' | sed 's/^/pg_dump: error: /' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(dumping, "client_program", lambda *_: program)
    with pytest.raises(DbkitError) as failure:
        back_up(config, production.backup, tmp_path / "backups")
    assert hint in (failure.value.hint or "")
    assert not (failure.value.detail or "").endswith("..")


LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def test_limits_for_requests_do_not_end_a_backup(
    config: Config, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump reads on while the session it had the snapshot from waits for it."""
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\nsleep 3\nexec {client_program(config, "pg_dump", 15)} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(dumping, "client_program", lambda *_: program)
    production.run(*(f"alter role dbkit_backup set {limit} = '2s'" for limit in LIMITS))
    try:
        path, _ = back_up(config, production.backup, tmp_path / "backups")
    finally:
        production.run(*(f"alter role dbkit_backup reset {limit}" for limit in LIMITS))
    assert path.exists()
    assert production.ask("select ok from core.backup_runs") == [(True,)]


def during_the_dump(config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch, query: str, conninfo: str) -> None:
    """Let a superuser run a query before pg_dump begins, and after it has ended."""
    program = folder / "pg_dump"
    ask = f'psql -X -q "{conninfo}" -c "{query}" > /dev/null'
    program.write_text(f'#!/bin/sh\n{client_program(config, "pg_dump", 15)} "$@"\ncode=$?\n{ask}\nexit $code\n')
    program.chmod(0o755)
    monkeypatch.setattr(dumping, "client_program", lambda *_: program)


OTHERS = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'dbkit_backup'"


def test_a_dump_that_is_whole_is_a_backup_though_our_sessions_ended(
    config: Config, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    during_the_dump(config, tmp_path, monkeypatch, OTHERS, production.admin)
    path, _ = back_up(config, production.backup, tmp_path / "backups")
    assert path.exists()
    assert production.ask("select ok, size_bytes > 0 from core.backup_runs") == [(True, True)]


def test_a_backup_that_cannot_be_recorded_is_kept_and_named(
    config: Config, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "drop function core.finish_backup(bigint, boolean, bigint)"
    during_the_dump(config, tmp_path, monkeypatch, gone, production.admin)
    with pytest.raises(DbkitError, match="the backup is whole, but") as failure:
        back_up(config, production.backup, tmp_path / "backups")
    (dump,) = (tmp_path / "backups").glob("*.dump")
    assert str(dump) in (failure.value.detail or "")
    assert read_manifest(dump) is not None


def test_two_backups_in_one_second_do_not_write_one_file(
    config: Config, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)

    monkeypatch.setattr(dumping, "datetime", Clock)
    path, _ = back_up(config, production.backup, tmp_path)
    with pytest.raises(DbkitError, match="another backup") as refusal:
        back_up(config, production.backup, tmp_path)
    assert "Run it again" in (refusal.value.hint or "")
    assert read_manifest(path) is not None, "what the first one left is whole"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a process that was killed")
def test_a_backup_that_is_killed_leaves_no_pg_dump_and_its_file_to_the_next_one(
    config: Config, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, folder = tmp_path / "pg_dump", tmp_path / "backups"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(dumping, "client_program", lambda *_: program)
    child = multiprocessing.get_context("fork").Process(target=back_up, args=(config, production.backup, folder))
    child.start()
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip()):
        time.sleep(0.02)
    (half,) = folder.glob("*.partial")
    os.utime(half, (0, 0))
    monkeypatch.undo()
    time.sleep(1.1)  # a name holds the second
    back_up(config, production.backup, folder)
    assert half.exists(), "somebody writes it"
    dump = Path("/proc") / (tmp_path / "pid").read_text().strip()
    child.kill()
    child.join()
    deadline = time.monotonic() + 20
    while lives(dump):
        assert time.monotonic() < deadline, "pg_dump goes on"
        time.sleep(0.02)
    time.sleep(1.1)
    back_up(config, production.backup, folder)
    assert {file.suffix for file in folder.iterdir()} == {".dump", ".json"}


def lives(process: Path) -> bool:
    try:
        return "zombie" not in (process / "status").read_text()
    except OSError:
        return False


def test_a_transaction_pooler_is_refused(config: Config, production: Production, tmp_path: Path) -> None:
    with transaction_pooler(production.backup) as through, pytest.raises(DbkitError, match="transaction pooler"):
        back_up(config, through, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_core_is_saved_all_the_same(config: Config, production: Production, tmp_path: Path) -> None:
    production.run("drop function core.start_backup(text, text)")
    path, manifest = back_up(config, production.backup, tmp_path)
    assert path.exists()
    assert manifest.backup_id is None


def test_a_folder_that_cannot_be_written_is_an_error(config: Config, production: Production, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DbkitError, match="cannot write to"):
        back_up(config, production.backup, tmp_path / "file")


def test_something_else_beside_a_dump_is_no_manifest(tmp_path: Path) -> None:
    dump = tmp_path / "app.dump"
    assert read_manifest(dump) is None
    for text in ("", "[]", json.dumps({"database": "app"})):
        manifest_path(dump).write_text(text)
        with pytest.raises(DbkitError, match="not a manifest"):
            read_manifest(dump)

"""kill -9, Ctrl-C, a server that goes away, a full disk: nothing is half recorded and a second run goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from migration_project import PATIENCE, Project, kill

from dbkit.errors import DbkitError
from dbkit.migrate import runner

CONCURRENT = """alter table t add column b int;
create index concurrently t_b_idx on t (b);
alter table t add column c int;"""


@pytest.fixture
def table(project: Project) -> Project:
    project.native("20260101", "create_table_t", "create table t (a int);", "drop table t;")
    project.apply()
    return project


def test_kill_in_the_middle_of_a_transaction(table: Project) -> None:
    path = table.native("20260102", "create_table_u", "create table u ();\nselect pg_sleep(60);", None)
    process = table.start("apply")
    table.wait_until_running("pg_sleep")
    kill(process)
    table.wait_until_gone()  # the server notices by itself, and frees the lock
    assert table.states() == {"main/20260101000000": "applied"}
    assert table.value("select to_regclass('u') is null")
    path.write_text(path.read_text().replace("pg_sleep(60)", "1"))
    table.apply()
    assert table.states()["main/20260102000000"] == "applied"


def test_kill_at_any_instant_leaves_row_and_table_together(project: Project) -> None:
    """Kill after ever longer waits while small files are applied; each table exists exactly when its row does."""
    for number in range(1, 301):
        project.write(f"{number}.sql", f"create table t{number} (a int);\ninsert into t{number} values (1);\n")
    killed = 0
    for attempt in range(8):
        process = project.start("apply")
        project.wait_for(
            f"select to_regclass('t{attempt * 30 + 1}') is not null or not exists"
            f" (select where {'true' if process.poll() is None else 'false'})"
        )
        time.sleep(attempt * 0.003)
        killed += process.poll() is None
        kill(process)
        project.wait_until_gone()
        found = project.rows("select relname from pg_class where relkind = 'r' and relname ~ '^t[0-9]'")
        tables = {name for (name,) in found}
        assert {f"t{key.removeprefix('main/')}" for key in project.states()} == tables
    assert killed
    project.apply()
    assert len(project.states()) == 300


def test_kill_during_concurrent_index_then_resume_rebuilds_it(table: Project) -> None:
    table.native("20260102", "idx_t_b", CONCURRENT, None, options="transaction:false")
    with table.snapshot_held():
        process = table.start("apply")
        table.wait_until_running("create index concurrently")
        kill(process)
        table.wait_until_gone()
    assert table.states()["main/20260102000000"] == "partial"
    assert table.rows("select step, state from dbkit.migration_steps order by step") == [(1, "done"), (2, "started")]
    assert table.value("select indisvalid from pg_index where indexrelid = 't_b_idx'::regclass") is False
    verify = table.cli("verify")
    assert verify.returncode == 1
    assert "half_done_migration" in verify.stdout and "invalid_index" in verify.stdout

    table.apply()
    assert table.states()["main/20260102000000"] == "applied"
    assert table.value("select indisvalid from pg_index where indexrelid = 't_b_idx'::regclass")
    assert any("left INVALID" in note for note in table.notes)
    assert table.cli("verify").returncode == 0


def test_kill_while_the_server_finishes_the_index_by_itself(table: Project) -> None:
    table.native("20260102", "idx_t_b", CONCURRENT, None, options="transaction:false")
    with table.snapshot_held():
        process = table.start("apply")
        table.wait_until_running("create index concurrently")
        kill(process)
    # The reporting transaction ended: the orphaned backend may finish before it notices that its client is gone.
    table.wait_until_gone()
    table.apply()
    assert table.states()["main/20260102000000"] == "applied"
    assert table.value("select indisvalid from pg_index where indexrelid = 't_b_idx'::regclass")


def test_server_process_killed_during_concurrent_index(table: Project) -> None:
    table.native("20260102", "idx_t_b", CONCURRENT, None, options="transaction:false")
    with table.snapshot_held():
        process = table.start("apply")
        table.wait_until_running("create index concurrently")
        table.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where query like '%create index concurrently%'"
            " and application_name = 'dbkit'"
        )
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, errors
    assert "error: connection to the server was lost during migration main/20260102000000" in errors
    assert "is half done" in errors
    assert "Traceback" not in errors
    table.wait_until_gone()
    table.apply()
    assert table.states()["main/20260102000000"] == "applied"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_cancels_the_statement_and_rolls_back(table: Project, number: signal.Signals) -> None:
    table.native("20260102", "create_table_u", "create table u ();\nselect pg_sleep(60);", None)
    process = table.start("apply")
    table.wait_until_running("pg_sleep")
    _, errors = kill(process, number)
    assert process.returncode == 2, errors
    assert errors.startswith("error: interrupted")
    assert "main/20260102000000 was rolled back" in errors
    assert "Traceback" not in errors
    table.wait_until_gone()
    assert table.states() == {"main/20260101000000": "applied"}
    assert table.value("select to_regclass('u') is null")


def test_interrupt_in_a_file_without_a_transaction_keeps_its_finished_steps(table: Project) -> None:
    path = table.native(
        "20260102", "alter_table_t", "alter table t add column b int;\nselect pg_sleep(60);", None,
        options="transaction:false",
    )  # fmt: skip
    process = table.start("apply")
    table.wait_until_running("pg_sleep")
    _, errors = kill(process, signal.SIGINT)
    assert process.returncode == 2, errors
    assert "is half done" in errors
    path.write_text(path.read_text().replace("pg_sleep(60)", "1"))
    table.apply()
    assert table.states()["main/20260102000000"] == "applied"


def test_connection_lost_in_a_transaction_says_what_became_of_it(table: Project) -> None:
    table.native("20260102", "create_table_u", "create table u ();\nselect pg_sleep(60);", None)
    process = table.start("apply")
    table.wait_until_running("pg_sleep")
    table.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and datname = current_database()"
    )
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, errors
    assert "connection to the server was lost" in errors
    assert "was rolled back by the server" in errors
    assert table.states() == {"main/20260101000000": "applied"}


def test_full_disk_is_reported_like_any_failure(table: Project, tmp_path: Path) -> None:
    with small_disk() as disk:
        table.execute(f"create tablespace small_{os.getpid()} location '{disk}'")
        try:
            table.native(
                "20260102", "create_table_u",
                f"create table u tablespace small_{os.getpid()} as"
                " select repeat(md5(n::text), 30) from generate_series(1, 50000) n;",
                "drop table u;",
            )  # fmt: skip
            with pytest.raises(DbkitError, match="53100") as caught:
                table.apply()
            assert "create_table_u.sql:9" in (caught.value.detail or "")
            assert "Make room" in (caught.value.hint or "")
            assert table.states() == {"main/20260101000000": "applied"}
            assert table.value("select to_regclass('u') is null")
        finally:
            table.execute(f"drop tablespace small_{os.getpid()}")


class small_disk:
    """A file system of 8 MB that the server's user may write to; skipped by name where it cannot be mounted."""

    def __enter__(self) -> Path:
        self.path = Path("/tmp") / f"dbkit-small-disk-{os.getpid()}"
        self.path.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", self.path], capture_output=True)
        if mounted.returncode:
            self.path.rmdir()
            pytest.skip("skipped: no right to mount a small file system")
        shutil.chown(self.path, "postgres")
        self.path.chmod(0o700)
        return self.path

    def __exit__(self, *error: object) -> None:
        subprocess.run(["umount", self.path], check=True)
        self.path.rmdir()


def test_an_error_of_a_full_disk_in_a_file_without_a_transaction_keeps_its_steps(table: Project) -> None:
    path = table.native(
        "20260102", "alter_table_t",
        "alter table t add column b int;\ndo $$ begin raise exception 'no space left' using errcode = '53100'; end $$;",
        None, options="transaction:false",
    )  # fmt: skip
    with pytest.raises(DbkitError, match="53100"):
        table.apply()
    path.write_text(path.read_text().replace("raise exception", "raise notice"))
    table.apply()
    assert table.states()["main/20260102000000"] == "applied"


@pytest.fixture
def slow_reader(table: Project) -> Iterator[threading.Event]:
    """A session that keeps table t locked until the event is set."""
    release = threading.Event()
    locked = threading.Event()

    def hold() -> None:
        with table.connect() as other:
            other.execute("set application_name = 'reporting'")
            with other.transaction():
                other.execute("lock table t in access share mode")
                locked.set()
                release.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(PATIENCE)
    yield release
    release.set()
    thread.join()


def test_lock_timeout_names_the_blocker_and_rolls_back(table: Project, slow_reader: threading.Event) -> None:
    table.setting(lock_timeout="2s")  # time to see who holds the lock, on a slow machine too
    table.native("20260102", "alter_table_t", "create table u ();\nalter table t add column b int;", None)
    with pytest.raises(DbkitError, match="55P03") as caught:
        table.apply()
    assert "alter_table_t.sql:10" in (caught.value.detail or "")
    assert "application reporting" in (caught.value.hint or "")
    assert any("application reporting" in note and "tries again (1 left)" in note for note in table.notes)
    assert table.value("select to_regclass('u') is null")
    assert "main/20260102000000" not in table.states()


def test_lock_timeout_is_retried_until_the_blocker_is_gone(table: Project, slow_reader: threading.Event) -> None:
    table.setting(lock_retries=20)
    table.native("20260102", "alter_table_t", "alter table t add column b int;", None)

    def release(note: str) -> None:
        table.notes.append(note)
        slow_reader.set()

    runner.apply(table.database.conninfo, table.config, migrations=table.folder, say=release)
    assert table.states()["main/20260102000000"] == "applied"
    assert any("tries again" in note for note in table.notes)

"""One runner at a time, no deadlock with CREATE INDEX CONCURRENTLY, no transaction pooler."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from between import answers
from migration_project import PATIENCE, Project, kill
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dbkit.errors import DbkitError
from dbkit.migrate.lock import LOCK_KEY


@pytest.fixture
def busy(project: Project) -> Iterator[psycopg.Connection]:
    """Another runner's session that holds the lock."""
    with psycopg.connect(project.database.conninfo, autocommit=True, application_name="deploy-7") as other:
        other.execute(f"select pg_advisory_lock({LOCK_KEY})")
        yield other


def test_second_runner_waits_and_names_the_holder(project: Project, busy: psycopg.Connection) -> None:
    project.write("1.sql", "create table a ();\n")
    project.setting(wait=0.5)
    with pytest.raises(DbkitError, match="another dbkit run holds the migration lock") as caught:
        project.apply()
    detail = caught.value.detail or ""
    assert f"pid {busy.info.backend_pid}, application deploy-7, user {busy.info.user}" in detail
    assert "connected 20" in detail
    assert project.states() == {}


def test_second_runner_goes_on_when_the_first_ends(project: Project, busy: psycopg.Connection) -> None:
    project.write("1.sql", "create table a ();\n")
    process = project.start("apply")
    project.wait_for("select exists (select from pg_stat_activity where application_name = 'dbkit')")
    busy.execute("select pg_advisory_unlock_all()")
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "1 applied" in out


def test_two_runners_at_once_apply_each_file_once(project: Project) -> None:
    for number in range(1, 60):
        project.write(f"{number}.sql", f"create table t{number} ();\n")
    runs = [project.start("apply") for _ in range(3)]
    outputs = [run.communicate(timeout=PATIENCE) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], outputs
    assert sum(int(match[1]) for out, _ in outputs if (match := re.search(r"(\d+) applied\n", out))) == 59


def test_waiting_runner_does_not_deadlock_a_concurrent_index(project: Project) -> None:
    """A blocking pg_advisory_lock holds a snapshot that CREATE INDEX CONCURRENTLY of the holder waits for."""
    project.write("1.sql", "create table t (a int);\n")
    project.apply()
    project.write("2.sql", "create index concurrently i on t (a);\n")
    (project.config.root / "dbkit.toml").write_text("[migrations]\nlock_timeout = '2min'\n")
    with project.snapshot_held() as other:
        # A lock on the table keeps the build before the point where it looks for old snapshots.
        other.execute("lock table t in row exclusive mode")
        first = project.start("apply")
        project.wait_until_running("create index concurrently")
        second = project.start("apply")
        project.wait_for(
            "select count(*) >= 2 from pg_stat_activity"
            " where application_name = 'dbkit' and datname = current_database() and query like '%advisory%'"
            " or query like '%create index concurrently%' and pid <> pg_backend_pid() and datname = current_database()"
        )
    results = [first.communicate(timeout=PATIENCE), second.communicate(timeout=PATIENCE)]
    assert [first.returncode, second.returncode] == [0, 0], results
    assert project.value("select indisvalid from pg_index where indexrelid = 'i'::regclass")


def test_lock_of_one_database_does_not_hold_up_another(project: Project, busy: psycopg.Connection) -> None:
    project.write("1.sql", "create table a ();\n")
    with project.database.server.database() as other:
        elsewhere = Project(project.folder, other, project.config)
        assert len(elsewhere.apply().done) == 1


def test_lock_is_free_after_a_failure_and_after_a_kill(project: Project) -> None:
    project.write("1.sql", "select pg_sleep(60);\n")
    process = project.start("apply")
    project.wait_until_running("pg_sleep")
    kill(process)
    project.wait_until_gone()
    (project.folder / "1.sql").write_text("select 1 / 0;\n")
    with pytest.raises(DbkitError, match="22012"):
        project.apply()
    (project.folder / "1.sql").write_text("select 1;\n")
    assert len(project.apply().done) == 1


def test_direct_connection_is_not_taken_for_a_pooler(project: Project) -> None:
    project.write("1.sql", "select 1;\n")
    assert len(project.apply().done) == 1


@pytest.mark.parametrize("pool_size", [1, 5])
def test_transaction_pooler_is_refused(project: Project, tmp_path: Path, pool_size: int) -> None:
    project.write("1.sql", "create table a ();\n")
    with pgbouncer(project, tmp_path, "transaction", pool_size) as conninfo:
        run = through(project, conninfo)
    assert run.returncode == 2, run.stdout
    assert "error: the database is reached through a transaction pooler" in run.stderr
    assert "direct connection string" in run.stderr
    assert project.states() == {}


def test_session_pooler_is_permitted(project: Project, tmp_path: Path) -> None:
    project.write("1.sql", "create table a ();\n")
    with pgbouncer(project, tmp_path, "session", 5) as conninfo:
        run = through(project, conninfo)
    assert run.returncode == 0, run.stderr
    assert project.states() == {"main/1": "applied"}


def through(project: Project, conninfo: str) -> subprocess.CompletedProcess[str]:
    """Apply over another connection string."""
    command = [*project.command("apply")[:-1], conninfo]
    return subprocess.run(
        command, cwd=project.config.root, env=project.env(), capture_output=True, text=True, timeout=PATIENCE
    )


class pgbouncer:
    """A pgbouncer in front of the test server; skipped by name where it is not installed."""

    def __init__(self, project: Project, folder: Path, mode: str, pool_size: int) -> None:
        self.binary = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
        if self.binary is None:
            pytest.skip("skipped: pgbouncer is not installed (apt-get install pgbouncer)")
        self.target = conninfo_to_dict(project.database.conninfo)
        self.folder, self.mode, self.pool_size = folder, mode, pool_size

    def __enter__(self) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        user = str(self.target.get("user", "postgres"))
        (self.folder / "users.txt").write_text(f'"{user}" ""\n')
        settings = self.folder / "pgbouncer.ini"
        settings.write_text(
            "[databases]\n"
            f"* = host={self.target['host']} port={self.target.get('port', 5432)}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {self.folder}/users.txt\npool_mode = {self.mode}\ndefault_pool_size = {self.pool_size}\n"
            "ignore_startup_parameters = extra_float_digits\n"
        )
        for path in (self.folder, *list(self.folder.parents)[:3]):
            if path.stat().st_uid == os.getuid():
                path.chmod(path.stat().st_mode | 0o055)
        # pgbouncer refuses root, and only the server's own user may use its socket folder.
        owner = Path(str(self.target["host"])).owner()
        as_user = ["-u", owner] if os.getuid() == 0 else []
        self.process = subprocess.Popen(
            [str(self.binary), *as_user, str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        conninfo = make_conninfo(host="127.0.0.1", port=port, dbname=self.target["dbname"], user=user)
        deadline = time.monotonic() + PATIENCE
        while not answers(conninfo):
            assert time.monotonic() < deadline, "the pooler does not answer"
            time.sleep(0.05)
        return conninfo

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)

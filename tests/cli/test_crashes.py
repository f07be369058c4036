"""Ctrl-C, SIGTERM and kill -9 while a command runs: no server stays, the folder goes, the next run works.

Migrations that are interrupted or killed, in a transaction and without one, are in tests/migrate/test_crash.py;
programs that `dbkit test` started (psql) are in tests/tap/test_tap_cli.py.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from command_line import DBKIT, REPO, dbkit, environment

from dbkit.postgres import Database

COMMANDS = ["test", "leak", "drift", "demo"]
PATIENCE = 120.0


@pytest.fixture
def run_folder() -> Iterator[Path]:
    """A folder of our own for disposable servers, with a path short enough for a socket."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir=memory))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that were started with a path in the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in text:
            found.append(text)
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def signalled(
    run_folder: Path, command: str, number: signal.Signals, pause: float = 0.0, times: int = 1
) -> subprocess.CompletedProcess[str]:
    """Run a command that gets a signal so many seconds after its server answers."""
    how = [str(int(number)), str(pause), str(times)]
    return subprocess.run(
        [sys.executable, str(Path(__file__).with_name("signalled.py")), *how, *command.split()], cwd=REPO,
        env=environment(DBKIT_RUN_DIR=str(run_folder)), text=True, stdin=subprocess.DEVNULL, capture_output=True,
        start_new_session=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


@pytest.mark.parametrize(("number", "pause"), [(signal.SIGINT, 0.0), (signal.SIGTERM, 0.3), (signal.SIGINT, 0.8)])
@pytest.mark.parametrize("command", COMMANDS)
def test_interrupted(run_folder: Path, command: str, number: signal.Signals, pause: float) -> None:
    done = signalled(run_folder, command, number, pause)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip().startswith("error: interrupted\ndetail: ")
    assert "\nhint: Run the command again" in done.stderr
    assert "Traceback" not in done.stderr
    assert processes_of(run_folder) == []
    assert list(run_folder.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_an_impatient_second_interrupt_leaves_no_server(run_folder: Path, command: str) -> None:
    done = signalled(run_folder, command, signal.SIGINT, times=3)
    assert done.returncode in (2, -signal.SIGINT)
    assert "Traceback" not in done.stderr
    wait_until(lambda: not processes_of(run_folder))


def test_an_interrupt_that_falls_into_a_finalizer_is_not_lost() -> None:
    """Python drops what a finalizer raises, and complains of it with a traceback."""
    program = """
import os, signal, time
from dbkit import cli

class Held:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

def command(**options):
    Held()
    time.sleep(30)

cli.cli.main = command
cli.main(["test"])
"""
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: interrupted\n")
    assert "Traceback" not in done.stderr


def test_an_interrupt_while_the_first_is_told_changes_nothing() -> None:
    program = """
import os, signal
from dbkit import cli
from dbkit.cli import failure

def impatient(*arguments, show=failure.show):
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
    show(*arguments)

def command(**options):
    os.kill(os.getpid(), signal.SIGINT)

failure.show = impatient
cli.cli.main = command
cli.main(["test"])
"""
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: interrupted\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("pause", [0.0, 0.5])
@pytest.mark.parametrize("command", COMMANDS)
def test_killed(run_folder: Path, command: str, pause: float) -> None:
    assert signalled(run_folder, command, signal.SIGKILL, pause).returncode == -signal.SIGKILL
    left = set(run_folder.iterdir())
    assert left
    # The next start removes the folder although the dead run's server may not have ended yet.
    done = dbkit(REPO, "test", "tests/pgtap/core/assert_settings.sql", DBKIT_RUN_DIR=str(run_folder))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not processes_of(run_folder))
    assert set(run_folder.iterdir()) == set()


def workers_of(process: subprocess.Popen[str]) -> list[str]:
    """Command lines of the Python processes in the session of a process that are not itself."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            session = folder.joinpath("stat").read_text().rpartition(")")[2].split()[3]
            text = folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if session == str(process.pid) and folder.name != session and "multiprocessing" in text:
            found.append(text)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_trials_of_mutants_end_with_their_run(
    run_folder: Path, database: Database, tmp_path: Path, number: signal.Signals
) -> None:
    """Proving mutants is the one command that works in processes of its own."""
    with psycopg.connect(database.conninfo) as connection:
        connection.execute((REPO / "tests/leak/clean.sql").read_bytes())
    tenancy = tmp_path / "tenancy.toml"
    tenancy.write_text(
        """[tenancy]
        app_roles = ["leak_app"]
        context = ["select app.set_context({user}, {tenant})"]
        tenants = "app.tenants.id"
        memberships = "app.memberships(user_id, tenant_id)"
        """
    )
    process = subprocess.Popen(
        [*DBKIT, "leak", "--database", database.conninfo, "--tenancy", str(tenancy), "--mutate", "-j", "2"],
        cwd=tmp_path, env=environment(DBKIT_RUN_DIR=str(run_folder)), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip

    def tried() -> bool:
        assert process.poll() is None, process.communicate()
        return sum("spawn_main" in each for each in workers_of(process)) == 2

    wait_until(tried)
    time.sleep(0.5)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors
    if number != signal.SIGKILL:
        assert process.returncode == 2, errors
        assert errors.strip().startswith("error: interrupted")
        assert workers_of(process) == []
        assert processes_of(run_folder) == []
    wait_until(lambda: not workers_of(process))


def test_a_folder_that_cannot_be_removed_yet_goes_with_a_later_start(run_folder: Path) -> None:
    """What outlives a dead run (a backend, `cp`) may not turn its folder into one that nobody removes."""
    busy = run_folder / "dbkit-1-left/data/busy"
    busy.mkdir(parents=True)
    (run_folder / "dbkit-1-left/owner.lock").touch()
    tests = ["test", "tests/pgtap/core/assert_settings.sql"]
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", busy], capture_output=True).returncode:
        pytest.skip("no right to mount a file system, which is what cannot be removed")
    try:
        assert dbkit(REPO, *tests, DBKIT_RUN_DIR=str(run_folder)).returncode == 0
        assert list(run_folder.iterdir()) == [run_folder / "dbkit-1-left"]
    finally:
        subprocess.run(["umount", busy], check=True)
    assert dbkit(REPO, *tests, DBKIT_RUN_DIR=str(run_folder)).returncode == 0
    assert list(run_folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_seeds_are_whole_or_not_at_all(core_db: Database, number: signal.Signals) -> None:
    """A seed that waits for a lock is stopped: nothing of it stays, and the next one loads everything."""
    with psycopg.connect(core_db.conninfo) as other:
        other.execute("delete from core.permissions")
        other.execute("commit")
        other.execute("lock table core.subscription_tiers")
        process = subprocess.Popen(
            [*DBKIT, "seed", "--env", "production", "--database", core_db.conninfo], cwd=REPO, env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        waiting = "select exists (select from pg_locks where not granted and database = (select oid from pg_database"
        with psycopg.connect(core_db.conninfo, autocommit=True) as watch:
            wait_until(
                lambda: watch.execute(f"{waiting} where datname = current_database()))".encode()).fetchone() == (True,)
            )
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
        assert "Traceback" not in errors
        if number == signal.SIGINT:
            assert process.returncode == 2
            assert "error: interrupted" in errors
    with psycopg.connect(core_db.conninfo, autocommit=True) as after:
        assert after.execute("select count(*) from core.permissions").fetchone() == (0,)
        done = dbkit(REPO, "seed", "--env", "production", "--database", core_db.conninfo)
        assert done.returncode == 0, done.stderr
        assert after.execute("select count(*) > 0 from core.permissions").fetchone() == (True,)

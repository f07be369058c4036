"""`dbkit test` as a process: selection, formats, exit codes, bad input, and what an interrupted run leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tap_files import RunDbkit, Write, assertions

GREEN = assertions("pass('fine')")
RED = assertions("is(1, 2, 'one is two')")


@pytest.fixture
def project(write: Write) -> Write:
    """A project without modules: an empty database with pgTAP."""
    write("dbkit.toml", '[test]\npaths = ["checks"]\n')
    write("checks/_helpers.sql", "select 1/0;")
    write("checks/a.sql", GREEN)
    write("checks/sub/b.sql", GREEN)
    write("checks/sub/c.pg", GREEN)
    return write


def order_of(output: str) -> list[str]:
    return [line.split()[1] for line in output.splitlines() if line.startswith(("ok ", "FAIL ", "skip "))]


def files_of(output: str) -> list[str]:
    return sorted(order_of(output))


def test_the_projects_own_files(project: Write, dbkit: RunDbkit) -> None:
    done = dbkit("test")
    assert done.returncode == 0, done.stderr
    assert files_of(done.stdout) == ["checks/a.sql", "checks/sub/b.sql", "checks/sub/c.pg"]
    assert "3 files, 3 tests, 0 failed" in done.stdout


def test_red_is_exit_code_one_with_file_and_line(project: Write, dbkit: RunDbkit) -> None:
    project("checks/red.sql", RED)
    done = dbkit("test")
    assert done.returncode == 1
    assert "checks/red.sql:3: not ok 1 - one is two" in done.stdout


def test_expression_and_shard_and_shuffle(project: Write, dbkit: RunDbkit) -> None:
    assert files_of(dbkit("test", "-k", "sub and not c.pg").stdout) == ["checks/sub/b.sql"]
    shards = [files_of(dbkit("test", "--shard", f"{number}/2").stdout) for number in (1, 2)]
    assert sorted(shards[0] + shards[1]) == ["checks/a.sql", "checks/sub/b.sql", "checks/sub/c.pg"]
    assert all(shards)
    orders = {tuple(order_of(dbkit("test", "--seed", str(seed), "-j1").stdout)) for seed in range(4)}
    assert len(orders) > 1
    assert "--seed" in dbkit("test", "--shuffle").stdout


def test_last_failed(project: Write, dbkit: RunDbkit) -> None:
    project("checks/red.sql", RED)
    assert dbkit("test").returncode == 1
    assert files_of(dbkit("test", "--lf").stdout) == ["checks/red.sql"]
    project("checks/red.sql", GREEN)
    assert dbkit("test", "--lf").returncode == 0
    assert len(files_of(dbkit("test", "--lf").stdout)) == 4  # nothing failed: everything runs


def test_exit_first(project: Write, dbkit: RunDbkit) -> None:
    project("checks/a.sql", RED)
    done = dbkit("test", "-x", "-j1")
    assert files_of(done.stdout) == ["checks/a.sql"]
    assert "2 files not run" in done.stdout
    assert done.returncode == 1


def test_formats(project: Write, dbkit: RunDbkit, tmp_path: Path) -> None:
    project("checks/red.sql", RED)
    report = json.loads(dbkit("test", "--format", "json").stdout)
    assert (report["command"], report["summary"]["files"], report["summary"]["failed"]) == ("test", 4, 1)
    assert report["findings"][0]["location"] == {"file": "checks/red.sql", "line": 3, "column": None}
    assert dbkit("test", "--format", "github").stdout.startswith("::error file=checks/red.sql,line=3")
    assert "not ok 2 - checks/red.sql" in dbkit("test", "--format", "tap").stdout
    assert ElementTree.fromstring(dbkit("test", "--format", "junit").stdout).get("failures") == "1"
    done = dbkit("test", "--junit", "out/report.xml")
    assert done.returncode == 1
    assert ElementTree.parse(tmp_path / "out" / "report.xml").getroot().get("tests") == "4"


def test_setup_files_and_schemas(project: Write, dbkit: RunDbkit) -> None:
    project(
        "setup.sql",
        "\\set name made\ncreate table :name (a int);\ncreate schema unit;\n"
        "create function unit.test_made() returns setof text language sql as $$ select has_table('made') $$;\n",
    )
    project("checks/a.sql", assertions("has_table('made')"))
    assert dbkit("test", "checks/a.sql").returncode == 1
    assert dbkit("test", "checks/a.sql", "--setup", "setup.sql").returncode == 0
    done = dbkit("test", "--schema", "unit", "--setup", "setup.sql")
    assert (done.returncode, files_of(done.stdout)) == (0, ["schema"]), done.stdout + done.stderr
    project("setup.sql", "create table fine (a int);\nselect 1/0;\n")
    broken = dbkit("test", "checks/a.sql", "--setup", "setup.sql")
    assert broken.returncode == 2
    assert "setup.sql:2: ERROR:  division by zero" in broken.stderr


def test_without_a_project(write: Write, dbkit: RunDbkit, tmp_path: Path) -> None:
    write("t.sql", GREEN)
    environment = {name: value for name, value in os.environ.items() if "DATABASE" not in name and name[:2] != "PG"}
    done = dbkit("test", "t.sql", env=environment)
    assert done.returncode == 0, done.stderr
    assert "clones of an empty database" in done.stdout
    assert not (tmp_path / ".dbkit").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nowhere.sql"], "error: test path not found: nowhere.sql"),
        (["empty"], "error: no test files found"),
        (["-k", "nothing"], "error: no test file is selected"),
        (["-k", "(a"], "error: cannot read -k '(a'"),
        (["--shard", "3/2"], "error: bad shard: 3/2"),
        (["--setup", "nowhere.sql"], "error: setup file not found: nowhere.sql"),
        (["--migrations", "nowhere"], "error: migrations folder not found: nowhere"),
        (["--database", "postgresql:///x?host=/nowhere"], "error: cannot reach the database to test"),
        (["--database", ""], "error: empty database URL"),
        (["--junit", "/proc/report.xml"], "error: cannot write /proc/report.xml"),
        (["annotated.sql"], "error: unknown isolation: everything"),
    ],
)
def test_bad_input(project: Write, dbkit: RunDbkit, arguments: list[str], error: str) -> None:
    project("empty/readme.md", "nothing")
    project("annotated.sql", "-- dbkit: isolation=everything\n" + GREEN)
    done = dbkit("test", *arguments)
    assert done.returncode == 2, done.stdout
    assert done.stderr.splitlines()[0] == error
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def _leftovers(folder: Path) -> list[str]:
    """Processes whose command line or working directory belongs to a run with this run folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if state != "Z" and str(folder) in command:
            found.append(command)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_running(project: Write, tmp_path: Path, how: signal.Signals) -> None:
    project("checks/slow.sql", "begin;\nselect plan(1);\n\\echo begun\nselect pass() from pg_sleep(60);\nrollback;\n")
    project("checks/slow_psql.sql", "\\! touch begun\nselect pg_sleep(60);\n")
    # a short path: the server's socket lives below it
    run_folder = Path("/tmp") / f"tap-{os.getpid()}-{how.value}"
    run_folder.mkdir()
    run_folder.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "dbkit", "test", "checks/slow.sql", "checks/slow_psql.sql", "-j2"],
        cwd=tmp_path,
        env={**os.environ, "DBKIT_RUN_DIR": str(run_folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(_leftovers(run_folder)) >= 2  # the server and psql
        process.send_signal(how)
        process.wait(timeout=300)
        deadline = time.monotonic() + 60
        while _leftovers(run_folder) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _leftovers(run_folder) == []
        if how != signal.SIGKILL:
            assert process.returncode == 2
            assert list(run_folder.iterdir()) == []
    finally:
        process.kill()
        process.communicate()
        subprocess.run(["rm", "-rf", str(run_folder)], check=False)

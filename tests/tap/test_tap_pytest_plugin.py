"""The pytest plugin: silent unless asked, then one item a file with the same verdict as `dbkit test`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tap_files import Write, assertions


@pytest.fixture
def project(write: Write) -> Write:
    write("dbkit.toml", '[test]\npaths = ["checks"]\n')
    write("checks/green.sql", assertions("pass('fine')"))
    write("checks/red.sql", assertions("is(1, 2, 'one is two')"))
    write("checks/skipped.sql", "begin;\nselect '1..0 # SKIP not today';\nrollback;\n")
    write("checks/_helpers.sql", "select 1/0;")
    write("elsewhere/other.sql", assertions("fail()"))
    return write


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_nothing_is_collected_without_the_setting(project: Write, tmp_path: Path) -> None:
    project("pytest.ini", "[pytest]\n")
    assert run_pytest(tmp_path).returncode == 5  # no tests collected


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_each_file_is_an_item(project: Write, tmp_path: Path, workers: list[str]) -> None:
    project("pytest.ini", "[pytest]\ndbkit_pgtap = true\n")
    done = run_pytest(tmp_path, *workers)
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed, 1 skipped" in done.stdout
    assert "checks/red.sql:3: not ok 1 - one is two" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    "files",
    [["checks"], ["checks/b.sql"], ["checks/b.sql", "checks/a.sql"], ["checks", "-n", "2"]],
    ids=["all", "one", "late first", "xdist"],
)
def test_files_that_count_on_earlier_ones_have_a_second_run(write: Write, tmp_path: Path, files: list[str]) -> None:
    write("dbkit.toml", '[test]\npaths = ["checks"]\n')
    write("pytest.ini", "[pytest]\ndbkit_pgtap = true\n")
    write("checks/000-setup.sql", "create table steps (n int);\n" + assertions("pass()"))
    for name in "ab":  # each keeps a row, and counts on those of the files before it alone
        count = "ab".index(name)
        adds = f"insert into steps values ({count});\n"
        write(f"checks/{name}.sql", assertions(f"is((select count(*) from steps), {count}::bigint)") + adds)
    done = run_pytest(tmp_path, "-rP", *files)
    assert done.returncode == 0, done.stdout
    assert "ran again after checks/000-setup.sql" in done.stdout


def test_the_second_run_helps_only_those_that_miss_something(write: Write, tmp_path: Path) -> None:
    write("dbkit.toml", '[test]\npaths = ["checks"]\n')
    write("pytest.ini", "[pytest]\ndbkit_pgtap = true\n")
    write("checks/000-setup.sql", "create table steps (n int);\n" + assertions("pass()"))
    write("checks/a.sql", assertions("is((select count(*) from steps), 1::bigint, 'one step')"))
    write("checks/b.sql", assertions("is(nowhere(), 1)"))
    write("checks/c.sql", assertions("hasnt_table('steps')"))
    done = run_pytest(tmp_path)
    assert "2 failed, 2 passed" in done.stdout
    assert "checks/a.sql:3: not ok 1 - one step" in done.stdout
    assert "function nowhere() does not exist" in done.stdout
    assert done.stdout.count("ran again after") == 1


def test_collecting_starts_no_server_and_the_plugin_imports_no_driver(project: Write, tmp_path: Path) -> None:
    project("pytest.ini", "[pytest]\ndbkit_pgtap = true\n")
    done = run_pytest(tmp_path, "--collect-only")
    assert "checks/green.sql::pgtap" in done.stdout
    code = (
        "import sys, dbkit.tap.pytest_plugin; "
        "sys.exit(any(name in sys.modules for name in ('psycopg', 'pglast', 'dbkit.tap.worker', 'dbkit.config')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

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
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


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


def test_collecting_starts_no_server_and_the_plugin_imports_no_driver(project: Write, tmp_path: Path) -> None:
    project("pytest.ini", "[pytest]\ndbkit_pgtap = true\n")
    done = run_pytest(tmp_path, "--collect-only")
    assert "checks/green.sql::pgtap" in done.stdout
    code = (
        "import sys, dbkit.tap.pytest_plugin; "
        "sys.exit(any(name in sys.modules for name in ('psycopg', 'pglast', 'dbkit.tap.runner', 'dbkit.config')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""`dbkit bootstrap` and `dbkit seed` as a shell sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dbkit.config import Config
from dbkit.postgres import Database


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/root"}
    command = [sys.executable, "-m", "dbkit", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_bootstrap_print_needs_no_server(config: Config) -> None:
    done = run("bootstrap", "--print", folder=config.root)
    assert done.returncode == 0
    assert done.stdout == (config.root / "sql/schema/core/_roles.sql").read_text()


def test_bootstrap_without_a_database_says_what_to_type(config: Config) -> None:
    done = run("bootstrap", folder=config.root)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no database given\n")
    assert done.stderr.endswith("hint: Give --database postgresql://user@host/name.\n")


def test_bootstrap_of_a_project_without_roles_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dbkit.toml").write_text("[modules]\npets = []\n")
    (tmp_path / "sql/schema/pets").mkdir(parents=True)
    done = run("bootstrap", "--print", folder=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: nothing to bootstrap")


def test_bootstrap_then_seed(config: Config, core_db: Database) -> None:
    done = run("bootstrap", "--database", core_db.conninfo, "--format", "json", folder=config.root)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "command": "bootstrap",
        "files": ["sql/schema/core/_roles.sql"],
        "warnings": [],
    }
    first = run("seed", "--env", "development", "--database", core_db.conninfo, "--format", "json", folder=config.root)
    assert first.returncode == 0, first.stderr
    answer = json.loads(first.stdout)
    assert answer["environment"] == "development"
    assert {"table": "rental.units", "inserted": 1000, "updated": 0, "deleted": 0} in answer["tables"]
    again = run("seed", "--env", "production", "--database", core_db.conninfo, folder=config.root)
    assert again.returncode == 0, again.stderr
    assert "inserted" not in again.stdout
    assert again.stdout.startswith("loaded sql/seeds/production/01_system_roles.sql\n")


def test_seed_without_a_database_tries_a_disposable_one(tmp_path: Path) -> None:
    (tmp_path / "dbkit.toml").write_text('[modules]\npets = []\n[seeds]\ntest = ["test"]\n')
    for name, text in {
        "sql/schema/pets/_module.sql": "create schema pets; create table pets.pets (name text);",
        "sql/seeds/test/01_pets.sql": "insert into pets.pets values ('Rex');",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    done = run("seed", "--env", "test", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "loaded sql/seeds/test/01_pets.sql\n    pets.pets  1 inserted\n"


@pytest.mark.parametrize(
    ("arguments", "first_line"),
    [
        (["seed", "--env", "produciton"], "error: unknown environment: produciton"),
        (["seed"], "error: missing option '--env'"),
        (["seed", "--env", "test", "--database", "host=/nowhere"], "error: cannot connect to the database"),
        (["bootstrap", "--database", "host=/nowhere"], "error: cannot connect to the database"),
        (["bootstrap", "--database", ""], "error: empty database URL"),
    ],
)
def test_bad_input_exits_2_without_a_traceback(config: Config, arguments: list[str], first_line: str) -> None:
    done = run(*arguments, folder=config.root)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == first_line
    assert "Traceback" not in done.stderr

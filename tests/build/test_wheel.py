"""An installed wheel works outside the checkout: the SQL of every module is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import psycopg
import pytest

from dbkit.postgres import Server

REPO = Path(__file__).resolve().parents[2]

PROJECT = """
[modules]
core = []
pets = ["core"]

[migrations]
role = "app_owner"

[seeds]
production = ["production"]
"""
MODULE = """
create schema pets;
grant usage on schema pets to app_user;
create table pets.pets (
    tenant_id uuid not null references core.tenants (id),
    name      text not null,
    primary key (tenant_id, name)
);
"""
BUILD = """
import psycopg
from dbkit.config import load_config
from dbkit.postgres import open_server
from dbkit.recipe import project_recipe

config = load_config()
recipe = project_recipe(config, seeds="production")
with open_server(config, recipe) as server, server.template(recipe).clone() as clone:
    with psycopg.connect(clone.conninfo) as connection:
        print(connection.execute("select to_regclass('pets.pets'), to_regclass('rental.units')").fetchone())
        print(connection.execute("select count(*) > 0 from core.roles").fetchone())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the unpacked wheel, as `pip install --target` leaves it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def adopter(tmp_path: Path) -> Path:
    """A project of somebody else: core from the wheel, a module of their own beside it."""
    (tmp_path / "dbkit.toml").write_text(PROJECT)
    (tmp_path / "sql/schema/pets").mkdir(parents=True)
    (tmp_path / "sql/schema/pets/_module.sql").write_text(MODULE)
    return tmp_path


def run(installed: Path, folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_is_what_runs(installed: Path, adopter: Path) -> None:
    root = run(installed, adopter, "-c", "from dbkit import source; print(source.packaged_root())")
    assert Path(root.strip()) == installed / "dbkit/_sql"


def test_the_wheel_holds_every_sql_file_of_the_checkout(installed: Path) -> None:
    checkout = {path.relative_to(REPO / "sql") for path in (REPO / "sql").rglob("*.sql")}
    packed = {path.relative_to(installed / "dbkit/_sql") for path in (installed / "dbkit/_sql").rglob("*.sql")}
    assert packed == checkout


def test_bootstrap_prints_the_packaged_roles(installed: Path, adopter: Path) -> None:
    printed = run(installed, adopter, "-m", "dbkit", "bootstrap", "--print")
    assert printed == (REPO / "sql/schema/core/_roles.sql").read_text()


def test_an_own_module_builds_on_the_packaged_core(installed: Path, adopter: Path) -> None:
    built, seeded = run(installed, adopter, "-c", BUILD).splitlines()
    assert built == "('pets.pets', None)"
    assert seeded == "(True,)"


def test_migrations_of_the_packaged_core_run_from_anywhere(installed: Path, adopter: Path, server: Server) -> None:
    with server.database() as database:
        target = ("--database", database.conninfo)
        planned = run(installed, adopter, "-m", "dbkit", "migrate", "plan", *target)
        assert "core_baseline" in planned
        run(installed, adopter, "-m", "dbkit", "bootstrap", *target)
        run(installed, adopter, "-m", "dbkit", "migrate", "apply", *target)
        with psycopg.connect(database.conninfo) as connection:
            assert connection.execute("select line from dbkit.migrations where state = 'applied'").fetchall() == [
                ("core",)
            ]
        drafted = run(installed, adopter, "-m", "dbkit", "migrate", "new", "pets", "keep pets", "--author", "Ada")
        assert (adopter / drafted.strip()).is_file()
        run(installed, adopter, "-m", "dbkit", "migrate", "apply", *target)
        with psycopg.connect(database.conninfo) as connection:
            assert connection.execute("select to_regclass('pets.pets') is not null").fetchone() == (True,)


def test_migrations_of_a_packaged_module_are_not_ours_to_write(installed: Path, adopter: Path) -> None:
    command = [sys.executable, "-m", "dbkit", "migrate", "new", "core", "mine"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=adopter, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: module core comes with dbkit\n")


def test_without_modules_the_packaged_ones_can_be_named(installed: Path, tmp_path: Path) -> None:
    code = (
        "from dbkit import build\nfrom dbkit.config import load_config\n"
        "print(sorted({file.module for file in build.build_order(load_config(), ['rental'])}))"
    )
    assert run(installed, tmp_path, "-c", code).strip() == "['core', 'rental']"

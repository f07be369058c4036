"""Seeds: environments, idempotence, the gate in front of production."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from dbkit import build, seed
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Database

WriteProject = Callable[..., Config]

FILES = {
    "sql/schema/a/_module.sql": "create schema a;",
    "sql/schema/a/pets.sql": "create table a.pets (name text primary key, legs int);",
    "sql/schema/b/_module.sql": "create schema b;",
    "sql/schema/b/toys.sql": "create table b.toys (name text primary key);",
    "sql/seeds/production/01_pets.sql": (
        "insert into a.pets values ('cat', 4), ('hen', 2)\n"
        "    on conflict (name) do update set legs = excluded.legs where pets.legs <> excluded.legs;"
    ),
    "sql/seeds/development/02_toys.sql": "insert into b.toys values ('ball') on conflict do nothing;",
    "sql/seeds/development/03_more.sql": (
        "do $$ begin\n    insert into b.toys values ('bone') on conflict do nothing;\nend $$;"
    ),
}
SETTINGS = """
[seeds]
production = ["production"]
development = ["production", "development"]
"""
MODULES: dict[str, list[str]] = {"a": [], "b": ["a"]}


def files_of(plan: seed.SeedPlan) -> list[str]:
    return [file.path.name for file in plan.files]


def test_folders_in_order_then_files_by_name(write_project: WriteProject) -> None:
    config = write_project(MODULES, FILES, SETTINGS)
    assert files_of(seed.plan(config, "development")) == ["01_pets.sql", "02_toys.sql", "03_more.sql"]
    assert files_of(seed.plan(config, "production")) == ["01_pets.sql"]


def test_unknown_environment_names_the_known_ones(write_project: WriteProject) -> None:
    config = write_project(MODULES, FILES, SETTINGS)
    with pytest.raises(DbkitError) as raised:
        seed.plan(config, "produciton")
    assert raised.value.message == "unknown environment: produciton"
    assert raised.value.detail == "The environments of this project are: production, development."


def test_production_never_loads_another_folder(write_project: WriteProject) -> None:
    config = write_project(MODULES, FILES, '[seeds]\nproduction = ["production", "development"]\n')
    with pytest.raises(DbkitError, match="production would load the seeds of development"):
        seed.plan(config, "production")


def test_missing_folder_is_an_error(write_project: WriteProject) -> None:
    config = write_project(MODULES, FILES, '[seeds]\ntest = ["test"]\n')
    with pytest.raises(DbkitError, match="no seed folder: test"):
        seed.plan(config, "test")


def test_files_of_absent_modules_are_left_out_by_name(write_project: WriteProject) -> None:
    config = write_project(MODULES, FILES, SETTINGS)
    plan = seed.plan(config, "development", ["a"])
    assert files_of(plan) == ["01_pets.sql"]
    assert {path.name: modules for path, modules in plan.left_out.items()} == {
        "02_toys.sql": ["b"],
        "03_more.sql": ["b"],
    }


def test_a_name_in_a_string_or_comment_is_no_module(write_project: WriteProject) -> None:
    text = "-- see b.toys\ninsert into a.pets values ('b.toys', 0) on conflict do nothing;"
    config = write_project(MODULES, {**FILES, "sql/seeds/production/01_pets.sql": text}, SETTINGS)
    assert files_of(seed.plan(config, "production", ["a"])) == ["01_pets.sql"]


def test_the_second_load_inserts_nothing(write_project: WriteProject, database: Database) -> None:
    config = write_project(MODULES, FILES, SETTINGS)
    build.build(database.conninfo, config)
    first = seed.load(database.conninfo, config, "development")
    assert first.tables == [seed.TableCount("a.pets", 2, 0, 0), seed.TableCount("b.toys", 2, 0, 0)]
    assert seed.load(database.conninfo, config, "development").tables == []
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("update a.pets set legs = 3 where name = 'cat'")
    assert seed.load(database.conninfo, config, "production").tables == [seed.TableCount("a.pets", 0, 1, 0)]


def test_a_failing_file_loads_nothing_and_names_the_place(write_project: WriteProject, database: Database) -> None:
    broken = {**FILES, "sql/seeds/development/03_more.sql": "insert into b.toys\n    values ('ball');"}
    config = write_project(MODULES, broken, SETTINGS)
    build.build(database.conninfo, config)
    with pytest.raises(DbkitError) as raised:
        seed.load(database.conninfo, config, "development")
    assert "03_more.sql:1:1: 23505" in str(raised.value.detail)
    with psycopg.connect(database.conninfo) as connection:
        assert connection.execute("select count(*) from a.pets").fetchone() == (0,)


def test_shipped_seeds_run_as_the_definer_and_twice(config: Config, core_db: Database) -> None:
    assert "01_system_roles.sql" in files_of(seed.plan(config, "production"))
    first = seed.load(core_db.conninfo, config, "development")
    assert sum(row.inserted for row in first.tables) > 20_000
    again = seed.load(core_db.conninfo, config, "development")
    assert [row for row in again.tables if row.inserted or row.deleted] == []

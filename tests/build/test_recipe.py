"""A project's recipe: which layers there are, and which an edit invalidates."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Recipe, Server
from dbkit.recipe import project_recipe

WriteProject = Callable[..., Config]

FILES = {
    "sql/schema/a/_module.sql": "create schema a;",
    "sql/schema/a/_roles.sql": "select 'roles';",
    "sql/schema/b/_module.sql": "create schema b;",
    "sql/schema/b/pets.sql": "create table b.pets (name text primary key);",
    "sql/seeds/production/01_pets.sql": "insert into b.pets values ('Rex') on conflict do nothing;",
    "tests/_helpers.sql": "create schema tests;",
}
SETTINGS = '[seeds]\nproduction = ["production"]\n'


def layers(recipe: Recipe) -> dict[str, str]:
    return {step.name: step.digest for step in recipe.steps}


def test_layers_come_in_order(write_project: WriteProject) -> None:
    config = write_project({"a": [], "b": ["a"]}, FILES, SETTINGS)
    recipe = project_recipe(config, seeds="production", pgtap=True, setup=["tests/_helpers.sql"])
    expected = ["roles", "module a", "module b", "seeds production", "pgtap", "setup tests/_helpers.sql"]
    assert list(layers(recipe)) == expected


@pytest.mark.parametrize(
    ("edited", "layer"),
    [
        ("sql/schema/a/_roles.sql", "roles"),
        ("sql/schema/a/_module.sql", "module a"),
        ("sql/schema/b/pets.sql", "module b"),
        ("sql/seeds/production/01_pets.sql", "seeds production"),
        ("tests/_helpers.sql", "setup tests/_helpers.sql"),
    ],
)
def test_an_edit_changes_its_own_layer_only(write_project: WriteProject, edited: str, layer: str) -> None:
    config = write_project({"a": [], "b": ["a"]}, FILES, SETTINGS)
    before = layers(project_recipe(config, seeds="production", setup=["tests/_helpers.sql"]))
    write_project({"a": [], "b": ["a"]}, {**FILES, edited: FILES[edited] + " -- edited"}, SETTINGS)
    after = layers(project_recipe(config, seeds="production", setup=["tests/_helpers.sql"]))
    assert [name for name in before if before[name] != after[name]] == [layer]


def test_a_clone_has_all_layers(write_project: WriteProject, server: Server) -> None:
    config = write_project({"a": [], "b": ["a"]}, FILES, SETTINGS)
    recipe = project_recipe(config, seeds="production", setup=["tests/_helpers.sql"])
    with server.template(recipe).clone() as clone, psycopg.connect(clone.conninfo) as connection:
        assert connection.execute("select name from b.pets").fetchall() == [("Rex",)]
        assert connection.execute("select to_regnamespace('tests') is not null").fetchone() == (True,)


def test_a_project_without_modules_has_no_module_layers(write_project: WriteProject) -> None:
    config = write_project({}, {"tests/_helpers.sql": "create schema tests;"})
    assert list(layers(project_recipe(config, setup=["tests/_helpers.sql"]))) == ["setup tests/_helpers.sql"]


def test_a_missing_setup_file_is_an_error(write_project: WriteProject) -> None:
    config = write_project({"a": [], "b": []}, FILES)
    with pytest.raises(DbkitError, match="setup file not found"):
        project_recipe(config, setup=["tests/_helper.sql"])

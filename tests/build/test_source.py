"""Modules, roots, variants: from folders to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbkit import source
from dbkit.config import Config
from dbkit.errors import DbkitError

WriteProject = Callable[..., Config]


def test_modules_come_after_what_they_need(write_project: WriteProject) -> None:
    config = write_project({"shop": ["stock", "base"], "stock": ["base"], "base": []}, {})
    assert source.module_order(config) == ["base", "stock", "shop"]


def test_asking_for_one_module_brings_its_needs_only(write_project: WriteProject) -> None:
    config = write_project({"base": [], "stock": ["base"], "shop": ["stock"]}, {})
    assert source.module_order(config, ["stock"]) == ["base", "stock"]


def test_unknown_module_names_the_known_ones(write_project: WriteProject) -> None:
    config = write_project({"base": [], "stock": ["base"]}, {})
    with pytest.raises(DbkitError) as raised:
        source.module_order(config, ["sotck"])
    assert raised.value.message == "unknown module: sotck"
    assert raised.value.detail == "The modules of this project are base, stock."


def test_modules_that_need_each_other_are_named(write_project: WriteProject) -> None:
    config = write_project({"a": ["b"], "b": ["c"], "c": ["a"]}, {})
    with pytest.raises(DbkitError) as raised:
        source.module_order(config)
    assert raised.value.detail == "[modules]: a needs b needs c needs a."


def test_project_without_modules_says_so(tmp_path: Path) -> None:
    with pytest.raises(DbkitError, match="no modules declared"):
        source.module_order(Config(root=tmp_path))


def test_declared_module_without_sql_is_an_error(write_project: WriteProject) -> None:
    config = write_project({"nowhere": []}, {})
    with pytest.raises(DbkitError, match="module without SQL: nowhere"):
        source.module_root(config, "nowhere")


def test_packaged_module_is_found_outside_the_project(write_project: WriteProject) -> None:
    config = write_project({"core": []}, {})
    assert source.module_root(config, "core") == source.packaged_root()
    assert "_module" in [file.name for file in source.module_files(config, "core")]
    assert source.migrations_dir(config, "core") == source.packaged_root() / "migrations" / "core"


def test_own_module_wins_over_the_packaged_one(write_project: WriteProject) -> None:
    config = write_project({"core": []}, {"sql/schema/core/_module.sql": "create schema core;"})
    assert source.module_root(config, "core") == source.sql_root(config)
    assert source.migrations_dir(config, "core") == config.root / "sql/migrations/core"


def test_files_with_an_underscore_are_not_built(write_project: WriteProject) -> None:
    files = {f"sql/schema/base/{name}.sql": "select 1;" for name in ("_module", "_roles", "_draft", "pets")}
    config = write_project({"base": []}, files)
    assert [file.name for file in source.module_files(config, "base")] == ["_module", "pets"]
    assert [file.name for file in source.bootstrap_files(config)] == ["_roles"]


@pytest.mark.parametrize("isolation", ["trusted", "sealed", "signed"])
def test_isolation_picks_one_variant(write_project: WriteProject, isolation: str) -> None:
    files = {f"sql/schema/base/context.{mode}.sql": f"select '{mode}';" for mode in ("trusted", "sealed", "signed")}
    config = write_project({"base": []}, files, f'[core]\nisolation = "{isolation}"\n')
    (file,) = source.module_files(config, "base")
    assert (file.name, file.text) == ("context", f"select '{isolation}';")


def test_missing_variant_names_those_that_are_there(write_project: WriteProject) -> None:
    config = write_project({"base": []}, {"sql/schema/base/context.trusted.sql": "select 1;"})
    with pytest.raises(DbkitError) as raised:
        source.module_files(config, "base")
    assert raised.value.message == "missing variant: context.sealed.sql"
    assert "context.trusted.sql" in str(raised.value.detail)


def test_unknown_variant_is_an_error(write_project: WriteProject) -> None:
    config = write_project({"base": []}, {"sql/schema/base/context.seeled.sql": "select 1;"})
    with pytest.raises(DbkitError, match="unknown variant"):
        source.module_files(config, "base")


def test_file_that_is_not_utf8_names_the_line(write_project: WriteProject) -> None:
    config = write_project({"base": []}, {"sql/schema/base/pets.sql": ""})
    (config.root / "sql/schema/base/pets.sql").write_bytes(b"select 1;\nselect '\xe9';\n")
    with pytest.raises(DbkitError) as raised:
        source.module_files(config, "base")
    assert raised.value.detail == "Byte 0xe9 on line 2 is not part of a UTF-8 character."


def test_shipped_tree_has_every_isolation_mode(config: Config) -> None:
    from dataclasses import replace

    names = {
        mode: [file.name for file in source.module_files(replace(config, isolation=mode), "core")]
        for mode in ("trusted", "sealed", "signed")
    }
    assert names["trusted"] == names["sealed"] == names["signed"]

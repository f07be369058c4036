"""Files of other tools' folders are judged as their runner would run them, whether the folder or a file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbkit.config import load_config
from dbkit.lint.engine import lint

_TABLE = "create table public.orders (id bigint primary key, note text);\n"
_CONCURRENT = "create index concurrently orders_note on public.orders (note);\n"
_IN_TRANSACTION = "concurrently_in_transaction"


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _rules(root: Path, *paths: str) -> set[str]:
    found = lint(load_config(root / "dbkit.toml"), [root / path for path in paths], remember=False)
    return {finding.rule for finding in found.report.findings}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "dbkit.toml").write_text("")
    return tmp_path


@pytest.mark.parametrize("named", ["db", "db/2_index.up.sql"])
def test_a_runner_without_transactions_may_build_concurrently(root: Path, named: str) -> None:
    _write(root, {"db/1_table.up.sql": _TABLE, "db/1_table.down.sql": "drop table public.orders;\n"})
    _write(root, {"db/2_index.up.sql": _CONCURRENT, "db/2_index.down.sql": "drop index public.orders_note;\n"})
    assert _IN_TRANSACTION not in _rules(root, named)
    # The twin: the file itself opens one.
    _write(root, {"db/2_index.up.sql": f"begin;\n{_CONCURRENT}commit;\n"})
    assert _IN_TRANSACTION in _rules(root, named)


def test_a_file_of_an_unknown_runner_is_taken_to_run_in_a_transaction(root: Path) -> None:
    _write(root, {"db/1_table.sql": _TABLE, "db/2_index.sql": _CONCURRENT})
    assert _IN_TRANSACTION in _rules(root, "db/2_index.sql")


def test_a_way_back_stays_one_when_it_is_named_alone(root: Path) -> None:
    _write(root, {"db/1_table.up.sql": _TABLE, "db/1_table.down.sql": "drop table public.orders;\n"})
    assert "drop_table" not in _rules(root, "db/1_table.down.sql")
    _write(root, {"db/2_gone.up.sql": "drop table public.orders;\n", "db/2_gone.down.sql": _TABLE})
    assert "drop_table" in _rules(root, "db/2_gone.up.sql")


def test_a_table_of_another_schema_does_not_exist_already(root: Path) -> None:
    again = "create table if not exists users (id bigint primary key);\n"
    _write(root, {"db/1_auth.sql": "create table auth.users (id uuid primary key);\n", "db/2_users.sql": again})
    result = lint(load_config(root / "dbkit.toml"), [root / "db"], remember=False)
    assert not [finding for finding in result.report.findings if "exists already" in finding.message]
    _write(root, {"db/3_users.sql": again})
    result = lint(load_config(root / "dbkit.toml"), [root / "db"], remember=False)
    assert [finding.object for finding in result.report.findings if "exists already" in finding.message] == ["users"]


def test_a_folder_a_migration_is_one_line(root: Path) -> None:
    _write(root, {"prisma/migration_lock.toml": 'provider = "postgresql"\n'})
    _write(root, {"prisma/1_table/migration.sql": _TABLE, "prisma/2_index/migration.sql": _CONCURRENT})
    named = ("prisma/1_table/migration.sql", "prisma/2_index/migration.sql")
    result = lint(load_config(root / "dbkit.toml"), [root / path for path in named], remember=False)
    assert result.report.summary["files"] == 2
    assert _IN_TRANSACTION not in {finding.rule for finding in result.report.findings}


def test_the_projects_own_migrations_may_be_in_another_layout_and_place(root: Path) -> None:
    (root / "dbkit.toml").write_text('[migrations]\ndir = "db"\nlayout = "golang-migrate"\n')
    _write(root, {"db/1_table.up.sql": _TABLE, "db/1_table.down.sql": "drop table public.orders;\n"})
    _write(root, {"db/2_index.up.sql": f"begin;\n{_CONCURRENT}commit;\n"})
    assert _IN_TRANSACTION in _rules(root)  # nothing is named: the folder is found
    _write(root, {"db/2_index.up.sql": _CONCURRENT})
    assert _IN_TRANSACTION not in _rules(root)


def test_a_folder_holds_linked_files_but_no_linked_folders(root: Path) -> None:
    _write(root, {"db/1_table.sql": _TABLE, "db/old/2_note.sql": "select 1;\n", "db/notes.txt": "no SQL\n"})
    _write(root, {"outside/3_linked.sql": "select 2;\n", "outside/more/4_far.sql": "select 3;\n"})
    (root / "db/3_linked.sql").symlink_to(root / "outside/3_linked.sql")
    (root / "db/more").symlink_to(root / "outside/more")
    series = lint(load_config(root / "dbkit.toml"), [root / "db"], remember=False).read
    assert isinstance(series, list)
    names = {file.path.name for line in series for file in line.files}
    assert names == {"1_table.sql", "2_note.sql", "3_linked.sql"}

"""What an earlier run left is used when nothing changed, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbkit.config import Config, load_config
from dbkit.lint import engine
from dbkit.lint.files import LintFile
from dbkit.lint.result import LintResult
from dbkit.lint.run import lint
from dbkit.parse import Script

Run = Callable[[], LintResult]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "dbkit.toml").write_text("")
    (tmp_path / "m").mkdir()
    (tmp_path / "m/0001_a.sql").write_text("create table app.a (id bigint primary key, at timestamp);\n")
    (tmp_path / "m/0002_b.sql").write_text("alter table app.a add column c json;\n")
    return load_config(tmp_path / "dbkit.toml")


def run(config: Config, **options: bool) -> list[str]:
    result = lint(config, [config.root / "m"], **options)
    return [f"{finding.location} {finding.rule} {finding.hint}" for finding in result.report.findings]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that were parsed, in order."""
    texts: list[str] = []

    def parse(text: str) -> Script:
        from dbkit.parse import parse as real

        texts.append(text)
        return real(text)

    monkeypatch.setattr("dbkit.lint.files.parse", parse)
    return texts


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[LintFile]:
    """Files whose statements were judged anew."""
    files: list[LintFile] = []
    real = engine._Run._replay
    monkeypatch.setattr(engine._Run, "_replay", lambda self, file: (files.append(file), real(self, file)))
    return files


def test_second_run_finds_the_same_without_looking(
    project: Config, parsed: list[str], replayed: list[LintFile]
) -> None:
    first = run(project)
    assert first and len(parsed) == 2 and len(replayed) == 2
    assert run(project) == first
    assert len(parsed) == 2 and len(replayed) == 2


def test_one_changed_file_is_the_only_one_parsed(project: Config, parsed: list[str], replayed: list[LintFile]) -> None:
    run(project)
    (project.root / "m/0002_b.sql").write_text("alter table app.a add column d money;\n")
    run(project)
    assert parsed[2:] == ["alter table app.a add column d money;\n"]
    assert len(replayed) == 4, "rules look at every file again: a change may matter to any of them"
    assert any("money_type" in line for line in run(project))
    assert not any("json_not_jsonb" in line for line in run(project))


def test_an_earlier_file_changes_what_a_later_one_means(project: Config) -> None:
    assert any("0002_b.sql:1:1 missing_lock_timeout" in line for line in run(project))
    (project.root / "m/0001_a.sql").write_text("create temporary table a (id bigint);\n")
    (project.root / "m/0002_b.sql").write_text("alter table a add column c json;\n")
    assert not any("missing_lock_timeout" in line for line in run(project))


def test_the_files_of_other_folders_count_where_each_migration_has_one(project: Config) -> None:
    def found(table: str) -> bool:
        for name, text in {"1_table": table, "2_column": "alter table b add column c text;\n"}.items():
            (project.root / "p" / name).mkdir(parents=True, exist_ok=True)
            (project.root / "p" / name / "migration.sql").write_text(text)
        result = lint(project, [project.root / "p/2_column/migration.sql"])
        return "missing_lock_timeout" in {finding.rule for finding in result.report.findings}

    assert found("create table b (id bigint);\n")
    assert not found("create temporary table b (id bigint);\n")


@pytest.mark.parametrize("change", ["profile", "config"])
def test_other_settings_are_another_run(project: Config, replayed: list[LintFile], change: str) -> None:
    run(project)
    if change == "profile":
        lint(project, [project.root / "m"], profile="house")
    else:
        (project.root / "dbkit.toml").write_text('[lint]\nignore = ["json_not_jsonb"]\n')
        assert not any("json_not_jsonb" in line for line in run(load_config(project.root / "dbkit.toml")))
    assert len(replayed) == 4


@pytest.mark.parametrize("damage", [b"", b"\x00garbage", b"[1, 2]", b'[["a"]]'])
def test_a_damaged_memory_is_no_memory(project: Config, damage: bytes) -> None:
    first = run(project)
    kept = list((project.root / "cache/lint").iterdir())
    assert len(kept) == 2
    for path in kept:
        path.write_bytes(damage)
    assert run(project) == first


def test_it_can_be_switched_off(project: Config, replayed: list[LintFile]) -> None:
    run(project, remember=False)
    run(project, remember=False)
    assert len(replayed) == 4
    assert not (project.root / "cache/lint").exists()


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(project: Config, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert run(project) == run(project, remember=False)

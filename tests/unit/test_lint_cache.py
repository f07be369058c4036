"""What an earlier run left is used when nothing changed, and only then."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def run(config: Config, **options: Any) -> list[str]:
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
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose statements were shown to the rules."""
    names: list[str] = []
    real = engine.Asking._replay

    def replay(self: engine.Asking, file: LintFile, *, asking: bool) -> None:
        names.extend([file.path.name] if asking else [])
        real(self, file, asking=asking)

    monkeypatch.setattr(engine.Asking, "_replay", replay)
    return names


def test_second_run_finds_the_same_without_looking(project: Config, parsed: list[str], asked: list[str]) -> None:
    first = run(project)
    assert first and len(parsed) == 2 and len(asked) == 2
    assert run(project) == first
    assert len(parsed) == 2 and len(asked) == 2


def changed(project: Config, name: str, text: str) -> list[str]:
    """What a run finds after a change: the same as one without a memory."""
    (project.root / "m" / name).write_text(text)
    found = run(project)
    assert found == run(project, remember=False)
    return found


def test_a_changed_file_is_parsed_and_asked_about_alone(project: Config, parsed: list[str], asked: list[str]) -> None:
    run(project)
    (project.root / "m/0002_b.sql").write_text("alter table app.a add column d money;\n")
    found = run(project)
    assert parsed[2:] == ["alter table app.a add column d money;\n"]
    assert asked[2:] == ["0002_b.sql"]
    assert any("money_type" in line for line in found)
    assert not any("json_not_jsonb" in line for line in found)


def test_a_change_that_does_nothing_leaves_what_comes_after_standing(project: Config, asked: list[str]) -> None:
    run(project)
    text = "-- A table.\n\ncreate table app.a (id bigint primary key, at timestamp);\n"
    (project.root / "m/0001_a.sql").write_text(text)
    found = run(project)
    assert asked[2:] == ["0001_a.sql"]
    assert found == run(project, remember=False)
    assert any("0001_a.sql:3:" in line for line in found), "places are those of the new text"


@pytest.mark.parametrize(
    "text",
    [
        "create table app.a (id bigint primary key, at timestamp, c text);\n",
        "-- migrate:down\ncreate table app.a (id bigint primary key, at timestamp);\n",
        "-- The installer makes role reader.\ncreate table app.a (id bigint primary key, at timestamp);\n",
        "create table app.a (id bigint primary key at timestamp);\n",
    ],
    ids=["another column", "another section", "a name in a comment", "a broken statement"],
)
def test_a_change_that_does_something_has_what_comes_after_asked_again(
    project: Config, asked: list[str], text: str
) -> None:
    run(project)
    changed(project, "0001_a.sql", text)
    assert asked[2:4] == ["0001_a.sql", "0002_b.sql"]


def test_a_file_judged_by_itself_leaves_what_is_known_of_the_folder(project: Config, asked: list[str]) -> None:
    run(project)
    (project.root / "m/0002_b.sql").write_text("alter table app.a add column d money;\n")
    lint(project, [project.root / "m/0002_b.sql"])
    run(project)
    assert asked[2:] == ["0002_b.sql", "0002_b.sql"]


def test_a_file_judged_by_itself_leaves_the_trees_of_those_behind_it(project: Config, parsed: list[str]) -> None:
    run(project)
    (project.root / "m/0001_a.sql").write_text("create table app.a (id bigint primary key);\n")
    lint(project, [project.root / "m/0001_a.sql"])
    run(project)
    assert parsed[2:] == ["create table app.a (id bigint primary key);\n"]


def test_what_an_edit_undoes_is_known(project: Config, parsed: list[str], asked: list[str]) -> None:
    first = run(project)
    before = (project.root / "m/0001_a.sql").read_text()
    changed(project, "0001_a.sql", "create table app.a (id bigint primary key, c text);\n")
    del parsed[:], asked[:]
    (project.root / "m/0001_a.sql").write_text(before)
    (project.root / "cache/lint").rename(project.root / "cache/aside")  # the findings of the first run are known too
    (project.root / "cache/lint").mkdir(mode=0o700)
    for path in (project.root / "cache/aside").iterdir():
        if not path.name.startswith("findings"):
            path.rename(project.root / "cache/lint" / path.name)
    assert run(project) == first
    assert not parsed and not asked


def test_what_nobody_asked_for_in_a_long_time_is_forgotten(project: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbkit.lint.cache._UNUSED", 0)
    monkeypatch.setattr("dbkit.lint.cache._ADDITIONS", 0)
    run(project)
    sizes = []
    for number in range(3):
        changed(project, "0002_b.sql", f"alter table app.a add column c{number} json;\n")
        sizes.append(sum(path.stat().st_size for path in (project.root / "cache/lint").glob("trees-*")))
    assert len(set(sizes)) == 1


def test_allowances_are_remembered_with_their_places(project: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    first = project.root / "m/0001_a.sql"
    reason = "because all clients are in one zone"
    first.write_text(f"-- dbkit: allow timestamp_without_tz {reason}\n{first.read_text()}")
    assert not any("timestamp_without_tz" in line for line in run(project))
    read: list[str] = []
    from dbkit.lint.allow import read_allowances

    def reading(file: LintFile) -> object:
        read.append(file.path.name)
        return read_allowances(file)

    monkeypatch.setattr("dbkit.lint.cache.read_allowances", reading)
    found = changed(project, "0002_b.sql", "alter table app.a add column d money;\n")
    assert read.count("0001_a.sql") == 1, "by the run without a memory"
    assert not any("timestamp_without_tz" in line or " unused_allowance" in line for line in found)
    found = changed(project, "0001_a.sql", first.read_text().replace("at timestamp", "at timestamptz"))
    assert any("0001_a.sql:1:1 unused_allowance" in line for line in found)


def test_a_new_file_at_the_end_is_asked_about_alone(project: Config, asked: list[str]) -> None:
    run(project)
    changed(project, "0003_c.sql", "drop table app.a;\n")
    assert asked[2:3] == ["0003_c.sql"]
    changed(project, "0000_first.sql", "create table app.z (id bigint primary key);\n")


def test_an_earlier_file_changes_what_a_later_one_means(project: Config) -> None:
    assert any("0002_b.sql:1:1 missing_lock_timeout" in line for line in run(project))
    (project.root / "m/0001_a.sql").write_text("create temporary table a (id bigint);\n")
    (project.root / "m/0002_b.sql").write_text("alter table a add column c json;\n")
    assert not any("missing_lock_timeout" in line for line in run(project))


def test_what_a_block_made_in_a_file_that_is_known_is_there(project: Config) -> None:
    changed(project, "0003_c.sql", "do $$ begin create index a_at on app.a (at); end $$;\n")

    def is_twice(column: str) -> bool:
        found = changed(project, "0004_d.sql", f"create index a_again on app.a ({column});\n")
        return any("0004_d.sql:1" in line and "duplicate_index" in line for line in found)

    assert is_twice("at")
    assert not is_twice("c")


def test_an_order_of_locks_is_carried_over_from_a_file_that_is_known(project: Config, asked: list[str]) -> None:
    tables = "create table app.x (id bigint primary key);\ncreate table app.y (id bigint primary key);\n"
    (project.root / "m/0001_a.sql").write_text(tables)
    locks = "begin;\nalter table app.{} add {c} text;\nalter table app.{} add {c} text;\ncommit;\n"
    (project.root / "m/0002_b.sql").write_text(locks.format("x", "y", c="c"))
    (project.root / "m/0003_c.sql").write_text("select 1;\n")
    run(project)

    def is_noted(name: str, text: str) -> bool:
        return any("0003_c.sql:3:1 lock_order" in line for line in changed(project, name, text))

    assert is_noted("0003_c.sql", locks.format("y", "x", c="d"))
    assert not is_noted("0003_c.sql", locks.format("x", "y", c="d"))
    assert not is_noted("0002_b.sql", "select 1;\n")
    assert not is_noted("0003_c.sql", locks.format("y", "x", c="d")), "the file that locked them so is another one now"
    assert is_noted("0002_b.sql", locks.format("x", "y", c="c")), "what is known of it from the first run holds again"
    asked.clear()
    assert is_noted("0003_c.sql", locks.format("y", "x", c="e"))
    assert asked[:1] == ["0003_c.sql"], "it was carried over without asking about the file again"


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
def test_other_settings_are_another_run(project: Config, asked: list[str], change: str) -> None:
    run(project)
    if change == "profile":
        lint(project, [project.root / "m"], profile="house")
    else:
        (project.root / "dbkit.toml").write_text('[lint]\nignore = ["json_not_jsonb"]\n')
        assert not any("json_not_jsonb" in line for line in run(load_config(project.root / "dbkit.toml")))
    assert len(asked) == 4


@pytest.mark.parametrize("damage", [b"", b"\x00garbage", b"[1, 2]", b'[["a"]]'])
def test_a_damaged_memory_is_no_memory(project: Config, damage: bytes) -> None:
    first = run(project)
    kept = list((project.root / "cache/lint").iterdir())
    assert len(kept) == 3
    for path in kept:
        path.write_bytes(damage)
    assert run(project) == first


def test_a_run_that_was_killed_while_it_wrote_costs_what_it_wrote(
    project: Config, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(project)
    (trees,) = (project.root / "cache/lint").glob("trees-*")
    whole = trees.read_bytes()
    texts = [f"alter table app.a add column c{number} json;\n" for number in range(3)]
    changed(project, "0002_b.sql", texts[0])
    added = trees.read_bytes()
    assert added.startswith(whole) and len(added) > len(whole), "only what is new was written"
    for cut in range(len(whole) + 1, len(added), 7):
        trees.write_bytes(added[:cut])
        (project.root / "m/0002_b.sql").write_text(texts[1] + "-" * cut)
        del parsed[:]
        run(project)
        assert len(parsed) == 1, "what was written before stands"
        assert not trees.read_bytes().startswith(added[:cut]), "nothing is written behind a part that is not whole"
    changed(project, "0002_b.sql", texts[2])


def test_a_store_that_grew_often_is_written_whole(project: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbkit.lint.cache._ADDITIONS", 2)
    run(project)
    (trees,) = (project.root / "cache/lint").glob("trees-*")
    inodes = []
    for number in range(4):
        changed(project, "0002_b.sql", f"alter table app.a add column c{number} json;\n")
        inodes.append(trees.stat().st_ino)
    assert inodes[0] == inodes[1] != inodes[2] == inodes[3]


def test_it_can_be_switched_off(project: Config, asked: list[str]) -> None:
    run(project, remember=False)
    run(project, remember=False)
    assert len(asked) == 4
    assert not (project.root / "cache/lint").exists()


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(project: Config, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert run(project) == run(project, remember=False)


def test_whatever_is_edited_the_memory_says_what_a_fresh_run_says(project: Config) -> None:
    cases = sorted((Path(__file__).parents[1] / "lint").glob("*/bad.sql"))[::4]
    for number, case in enumerate(cases):
        (project.root / f"m/{1000 + number}_{case.parent.name}.sql").write_text(case.read_text())
    base = project.root / "m/0999_base.sql"
    base.write_text((cases[0].parents[1] / "_base.sql").read_text())
    dice = random.Random(7)
    for turn in range(16):
        path = dice.choice(sorted((project.root / "m").iterdir()))
        text, other = path.read_text(), dice.choice(cases).read_text()
        edits = [f"-- role reader_{turn}\n{text}", f"\n\n{text}", text.replace("text", "integer", 1), other, f"({text}"]
        path.write_text(edits[turn % len(edits)])
        # The same statements with something else in them: only their trees tell.
        base.write_text(
            base.read_text().replace(*(("not null", "", 3), ("bigint", "text", 2), ("app.o", "app.x", 1))[turn % 3])
        )
        assert run(project, profile="strict") == run(project, profile="strict", remember=False)

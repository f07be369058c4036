"""`dbkit lint` as a command: formats, exit codes, bad input, folders."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BAD = "alter table app.t add column x int;\ncreate index i on app.t (x);\n"


def dbkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dbkit", "lint", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dbkit.toml").write_text(
        "[modules]\nclinic = []\n\n"
        '[lint]\nselect = ["index_blocks_writes", "fk_without_tenant", "fk_without_index", "table_without_rls"]\n'
    )
    (tmp_path / "bad.sql").write_text(BAD)
    (tmp_path / "good.sql").write_text("select 1;\n")
    return tmp_path


def test_text_has_frame_caret_hint_and_summary(folder: Path) -> None:
    run = dbkit(folder, "bad.sql")
    assert run.returncode == 1 and run.stderr == ""
    assert run.stdout.splitlines() == [
        "bad.sql:2:1: error: index i blocks writes to app.t while it is built [index_blocks_writes L010]",
        "    2 | create index i on app.t (x);",
        "      | ^",
        "hint: Write create index concurrently, in a file whose section says: -- migrate:up transaction:false",
        "",
        run.stdout.splitlines()[-1],
    ]
    assert run.stdout.splitlines()[-1].startswith("1 error in 1 file (")


def test_clean_is_exit_code_0(folder: Path) -> None:
    run = dbkit(folder, "good.sql")
    assert run.returncode == 0
    assert run.stdout.startswith("no findings in 1 file (")


def test_json_and_github(folder: Path) -> None:
    run = dbkit(folder, "bad.sql", "good.sql", "--format", "json")
    document = json.loads(run.stdout)
    assert run.returncode == 1
    assert document["summary"]["files"] == 2 and document["summary"]["error"] == 1
    (finding,) = document["findings"]
    assert (finding["rule"], finding["class"], finding["location"]) == (
        "index_blocks_writes", "L010", {"file": "bad.sql", "line": 2, "column": 1},
    )  # fmt: skip
    assert dbkit(folder, "bad.sql", "--format", "github").stdout.startswith("::error file=bad.sql,line=2,col=1,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.sql"], "error: no such file or folder: nowhere.sql"),
        (["empty"], "error: no SQL files in empty"),
        (["latin.sql"], "error: not UTF-8: "),
        (["bad.sql", "--profile", "loose"], "error: unknown lint profile: loose"),
        (["--explain", "index_block_writes"], "error: unknown lint rule: index_block_writes"),
        (["bad.sql", "--format", "markdown"], "error: markdown is the format of --rules"),
        ([], "error: no such file or folder: sql"),
    ],
)
def test_bad_input_is_exit_code_2(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    (folder / "latin.sql").write_bytes(b"select '\xe9';")
    run = dbkit(folder, *arguments)
    assert run.returncode == 2
    assert run.stdout == "" and run.stderr.startswith(message) and "hint: " in run.stderr


def test_explain_and_rules(folder: Path) -> None:
    page = dbkit(folder, "--explain", "index_blocks_writes").stdout
    assert page.startswith("# index_blocks_writes\n") and "## Use instead" in page
    pages = dbkit(folder, "--explain", "L016").stdout
    assert pages.startswith("# ") and "\n# rls_not_forced\n" in pages, "a code may stand for several rules"
    listed = dbkit(folder, "--rules").stdout.splitlines()
    rules = json.loads(dbkit(folder, "--rules", "--format", "json").stdout)
    assert len(listed) == len(rules)
    assert rules[0].keys() >= {"rule", "code", "set", "severity", "lock", "postgres", "summary"}


def test_a_single_migration_is_judged_after_its_predecessors(folder: Path) -> None:
    line = folder / "migrations"
    line.mkdir()
    (line / "0001_init.sql").write_text("create table app.t (id bigint primary key);\ncreate index a on app.t (id);\n")
    (line / "0002_index.sql").write_text("create index b on app.t (id);\n")
    (line / "0003_check.sql").write_text(
        "create table if not exists app.t (id bigint);\ncreate index c on app.t (id);\n"
    )
    assert "0003_check.sql:2:1: " in dbkit(folder, "migrations/0003_check.sql").stdout
    whole = dbkit(folder, "migrations").stdout
    assert "0001_init.sql" not in whole and "0002_index.sql:1:1: " in whole and "0003_check.sql:2:1: " in whole
    each = dbkit(folder, "migrations", "--each").stdout
    assert "0002_index.sql:1:1: " in each and "0003_check.sql:" not in each


def test_history_is_read_and_not_judged(folder: Path) -> None:
    (folder / "history.sql").write_text(
        "create index z on app.t (x);\ncreate table app.docs (tenant_id uuid, id uuid);"
    )
    (folder / "next.sql").write_text("alter table app.docs add foreign key (id) references app.docs (id) not valid;")
    run = dbkit(folder, "next.sql", "--history", "history.sql", "--format", "json")
    assert {finding["rule"] for finding in json.loads(run.stdout)["findings"]} == {
        "fk_without_tenant",
        "fk_without_index",
    }


def test_declared_files_are_judged_with_the_whole_tree(folder: Path) -> None:
    for name, text in {
        "sql/schema/clinic/pets.sql": "create table clinic.pets (tenant_id uuid not null, id uuid not null);",
        "sql/policies/clinic/pets.sql": "alter table clinic.pets enable row level security;"
        "alter table clinic.pets force row level security;"
        "create policy p on clinic.pets to app_user using (true);",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert dbkit(folder, "sql/schema/clinic/pets.sql").returncode == 0
    assert dbkit(folder).returncode == 0
    (folder / "sql/policies/clinic/pets.sql").unlink()
    assert "[table_without_rls L016]" in dbkit(folder, "sql/schema/clinic/pets.sql").stdout

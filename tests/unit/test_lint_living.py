"""Living with `dbkit lint`, through the command: baselines, what a branch changed, every output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

BAD = "create table app.t (\n    id bigint primary key,\n    at timestamp not null,\n    doc json\n);\n"
RULES = ["timestamp_without_tz", "json_not_jsonb"]


def dbkit(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dbkit", "lint", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(tmp_path / "cache"))
    project = tmp_path / "project"
    (project / "m").mkdir(parents=True)
    (project / "dbkit.toml").write_text("")
    (project / "m/0001_t.sql").write_text(BAD)
    return project


def rules_in(run: subprocess.CompletedProcess[str]) -> list[str]:
    return [finding["rule"] for finding in json.loads(run.stdout)["findings"]]


# Baseline


def test_a_baseline_covers_what_was_there_and_nothing_else(folder: Path) -> None:
    written = dbkit(folder, "m", "--write-baseline", "lint.json")
    assert (written.returncode, written.stdout) == (0, "2 findings are in lint.json\n")
    covered = dbkit(folder, "m", "--baseline", "lint.json")
    assert covered.returncode == 0
    assert "2 more in the baseline lint.json" in covered.stdout and "write it anew" not in covered.stdout
    # Lines that move do not matter; a second one of the same kind does.
    (folder / "m/0001_t.sql").write_text("-- A comment.\n\n" + BAD)
    assert dbkit(folder, "m", "--baseline", "lint.json").returncode == 0
    (folder / "m/0001_t.sql").write_text(BAD + "alter table app.t add column more json;\n")
    more = dbkit(folder, "m", "--baseline", "lint.json", "--format", "json")
    assert more.returncode == 1 and rules_in(more) == ["json_not_jsonb"]
    (folder / "m/0002_u.sql").write_text(BAD.replace("app.t", "app.u"))
    assert len(rules_in(dbkit(folder, "m", "--baseline", "lint.json", "--format", "json"))) == 3


def test_entries_that_cover_nothing_are_said(folder: Path) -> None:
    dbkit(folder, "m", "--write-baseline", "lint.json")
    (folder / "m/0001_t.sql").write_text(BAD.replace("json", "jsonb"))
    run = dbkit(folder, "m", "--baseline", "lint.json")
    assert run.returncode == 0
    assert "1 more in the baseline" in run.stdout
    assert "1 of its entries cover nothing any more: write it anew" in run.stdout
    summary = json.loads(dbkit(folder, "m", "--baseline", "lint.json", "--format", "json").stdout)["summary"]
    assert summary["baseline"] == {"covered": 1, "gone": 1} and summary["error"] == 0


def test_entries_of_files_that_were_not_judged_are_not_called_stale(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "m")
    git(folder, "commit", "-q", "-m", "t")
    dbkit(folder, "m", "--write-baseline", "lint.json")
    (folder / "m/0002_u.sql").write_text("create table app.u (id bigint primary key);\n")
    for arguments in (["m/0002_u.sql"], ["m", "--changed-since", "HEAD"]):
        run = dbkit(folder, *arguments, "--baseline", "lint.json")
        assert run.returncode == 0 and "write it anew" not in run.stdout, run.stdout
    # A file that is gone is judged all the same, where its folder is.
    (folder / "m/0001_t.sql").unlink()
    assert "2 of its entries cover nothing any more" in dbkit(folder, "m", "--baseline", "lint.json").stdout
    changed = dbkit(folder, "m", "--changed-since", "HEAD", "--baseline", "lint.json")
    assert "2 of its entries cover nothing any more" in changed.stdout


def test_the_project_file_names_a_baseline(folder: Path) -> None:
    dbkit(folder, "m", "--write-baseline", "kept/lint.json")
    (folder / "dbkit.toml").write_text('[lint]\nbaseline = "kept/lint.json"\n')
    assert dbkit(folder, "m").returncode == 0
    # Also from elsewhere, and a file given beats it.
    assert dbkit(folder / "m", ".").returncode == 0
    (folder / "m/0001_t.sql").rename(folder / "m/0001_u.sql")
    assert dbkit(folder, "m").returncode == 1, "the file's name is part of what a baseline knows"
    (folder / "m/0001_u.sql").rename(folder / "m/0001_t.sql")
    dbkit(folder, "m/0001_t.sql", "--write-baseline", "empty.json", "--profile", "recommended")
    (folder / "none.json").write_text('{"version": 1, "findings": []}')
    assert dbkit(folder, "m", "--baseline", "none.json").returncode == 1


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (None, "no baseline file lint.json"),
        ("{", "cannot read the baseline lint.json"),
        ("[]", "cannot read the baseline lint.json"),
        ('{"version": 2, "findings": []}', "version 2 instead of 1"),
        ('{"version": 1, "findings": [{"rule": "x"}]}', "cannot read the baseline lint.json"),
        ('{"version": 1, "findings": [{"fingerprint": "x", "count": "many"}]}', "cannot read the baseline"),
    ],
)
def test_a_bad_baseline_is_an_error(folder: Path, text: str | None, detail: str) -> None:
    if text is not None:
        (folder / "lint.json").write_text(text)
    run = dbkit(folder, "m", "--baseline", "lint.json")
    assert run.returncode == 2 and run.stdout == ""
    assert detail in run.stderr and "hint: Write it" in run.stderr and "Traceback" not in run.stderr


def test_a_baseline_that_cannot_be_written_is_an_error(folder: Path) -> None:
    (folder / "file").write_text("")
    run = dbkit(folder, "m", "--write-baseline", "file/lint.json")
    assert run.returncode == 2
    assert run.stderr.startswith("error: invalid value for '--write-baseline': 'file/lint.json' cannot be written")


# What a branch changed


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def branch(folder: Path) -> Path:
    """A repository whose branch has one commit, one change that is not committed and one file git does not know."""
    git(folder, "init", "-q", "-b", "main")
    (folder / "m/0002_u.sql").write_text(BAD.replace("app.t", "app.u"))
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    git(folder, "checkout", "-qb", "work")
    (folder / "m/0003_v.sql").write_text(BAD.replace("app.t", "app.v"))
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "second")
    (folder / "m/0002_u.sql").write_text(BAD.replace("app.t", "app.u") + "-- changed\n")
    (folder / "m/0004 größe.sql").write_text("create index on app.v (at);\n" + BAD.replace("app.t", "app.w"))
    return folder


def files_in(run: subprocess.CompletedProcess[str]) -> set[str]:
    return {finding["location"]["file"] for finding in json.loads(run.stdout)["findings"]}


def test_only_what_a_branch_changed_is_judged(branch: Path) -> None:
    run = dbkit(branch, "m", "--changed-since", "main", "--format", "json")
    assert files_in(run) == {"m/0002_u.sql", "m/0003_v.sql", "m/0004 größe.sql"}
    assert json.loads(run.stdout)["summary"]["files"] == 3
    assert files_in(dbkit(branch, "m", "--format", "json")) > files_in(run)
    # The others are still read: the index is on a table that an earlier file made.
    assert "index_blocks_writes" in rules_in(run)
    assert files_in(dbkit(branch, "m", "--changed-since", "HEAD", "--format", "json")) == {
        "m/0002_u.sql",
        "m/0004 größe.sql",
    }


def test_what_the_other_branch_did_since_is_not_this_ones_change(branch: Path) -> None:
    git(branch, "stash", "-q", "-u")
    git(branch, "checkout", "-q", "main")
    (branch / "m/0001_t.sql").write_text(BAD + "-- on main\n")
    git(branch, "commit", "-qam", "elsewhere")
    git(branch, "checkout", "-q", "work")
    assert files_in(dbkit(branch, "m", "--changed-since", "main", "--format", "json")) == {"m/0003_v.sql"}


def test_nothing_changed_is_nothing_found(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    run = dbkit(folder, "m", "--changed-since", "HEAD")
    assert run.returncode == 0 and run.stdout.startswith("no findings in 0 files")


def test_an_unknown_revision_is_an_error(branch: Path) -> None:
    run = dbkit(branch, "m", "--changed-since", "nowhere")
    assert run.returncode == 2 and run.stdout == ""
    assert "error: git merge-base failed" in run.stderr and "hint: Fetch nowhere" in run.stderr
    evil = dbkit(branch, "m", "--changed-since", "--output=stolen")
    assert evil.returncode == 2 and not (branch / "stolen").exists()


def test_a_folder_that_is_no_working_tree_is_an_error(folder: Path) -> None:
    run = dbkit(folder, "m", "--changed-since", "main", GIT_CEILING_DIRECTORIES=str(folder.parent))
    assert run.returncode == 2 and "hint: Run the command inside a git working tree." in run.stderr


def test_without_git_it_says_so(folder: Path) -> None:
    run = dbkit(folder, "m", "--changed-since", "main", PATH=str(folder))
    assert run.returncode == 2 and "error: git is not installed" in run.stderr


# Every output


def test_json_points_at_every_finding(folder: Path) -> None:
    run = dbkit(folder, "m", "--format", "json")
    document = json.loads(run.stdout)
    assert run.returncode == 1
    assert rules_in(run) == RULES
    assert [finding["location"] for finding in document["findings"]] == [
        {"file": "m/0001_t.sql", "line": 3, "column": 5},
        {"file": "m/0001_t.sql", "line": 4, "column": 5},
    ]
    assert {key: document["summary"][key] for key in ("error", "warning", "note")} == {
        "error": 1,
        "warning": 1,
        "note": 0,
    }


def test_sarif_is_valid_and_has_place_rule_and_level(folder: Path) -> None:
    (log,) = validated(dbkit(folder, "m", "--format", "sarif").stdout)["runs"]
    rules = log["tool"]["driver"]["rules"]
    found = [(rules[item["ruleIndex"]]["id"], item["ruleId"], item["level"]) for item in log["results"]]
    assert found == [(name, name, level) for name, level in zip(RULES, ("error", "warning"), strict=True)]
    place = log["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "m/0001_t.sql"
    assert place["region"] == {"startLine": 3, "startColumn": 5}
    (folder / "m/0001_t.sql").write_text("select 1;\n")
    assert validated(dbkit(folder, "m", "--format", "sarif").stdout)["runs"][0]["results"] == []


def validated(text: str) -> dict[str, Any]:
    """A SARIF log that the official schema's model takes, as plain values."""
    from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log

    Log.model_validate_json(text)
    log: dict[str, Any] = json.loads(text)
    return log


def test_github_gitlab_and_junit(folder: Path) -> None:
    github = dbkit(folder, "m", "--format", "github").stdout.splitlines()
    assert [line.partition("title=")[0] for line in github] == [
        "::error file=m/0001_t.sql,line=3,col=5,",
        "::warning file=m/0001_t.sql,line=4,col=5,",
    ]
    gitlab = json.loads(dbkit(folder, "m", "--format", "gitlab").stdout)
    assert [issue["check_name"] for issue in gitlab] == RULES
    assert {issue["location"]["path"] for issue in gitlab} == {"m/0001_t.sql"}
    assert len({issue["fingerprint"] for issue in gitlab}) == 2
    suites = ElementTree.fromstring(dbkit(folder, "m", "--format", "junit").stdout)
    assert (suites.get("tests"), suites.get("failures")) == ("2", "2")


@pytest.mark.parametrize("output_format", ["json", "sarif", "github", "gitlab", "junit"])
def test_a_file_gets_the_format_and_the_terminal_the_text(folder: Path, output_format: str) -> None:
    direct = dbkit(folder, "m", "--format", output_format)
    filed = dbkit(folder, "m", "--format", output_format, "--output", f"made/lint.{output_format}")
    assert (filed.returncode, direct.returncode) == (1, 1)
    assert (folder / f"made/lint.{output_format}").read_text() == direct.stdout
    assert "m/0001_t.sql:3:5: error: " in filed.stdout


def test_a_second_run_prints_the_same(folder: Path) -> None:
    for output_format in ("text", "json", "sarif"):
        fresh = dbkit(folder, "m", "--format", output_format, "--no-cache")
        runs = [dbkit(folder, "m", "--format", output_format) for _ in range(2)]
        assert {run.stdout for run in runs} == {fresh.stdout}


def test_a_new_file_anywhere_below_is_a_new_run(folder: Path) -> None:
    assert len(rules_in(dbkit(folder, "m", "--format", "json"))) == 2
    (folder / "m/deep").mkdir()
    (folder / "m/deep/0002_u.sql").write_text(BAD.replace("app.t", "app.u"))
    assert len(rules_in(dbkit(folder, "m", "--format", "json"))) == 4
    # A file given alone is judged after the numbered ones beside it.
    (folder / "m/0003_i.sql").write_text("create index i on app.later (id);\n")
    assert "index_blocks_writes" in rules_in(dbkit(folder, "m/0003_i.sql", "--format", "json"))
    (folder / "m/0002_later.sql").write_text("create temporary table later (id bigint);\n")
    (folder / "m/0003_i.sql").write_text("create index i on later (id);\n")
    assert "index_blocks_writes" not in rules_in(dbkit(folder, "m/0003_i.sql", "--format", "json"))
    (folder / "m/0002_later.sql").write_text("create table later (id bigint);\n")
    assert "index_blocks_writes" in rules_in(dbkit(folder, "m/0003_i.sql", "--format", "json"))

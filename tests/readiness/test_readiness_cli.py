"""`dbkit readiness` in a project of its own: what it says, how it ends, and which files it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dbkit.cli import cli
from dbkit.config import Config, load_config
from dbkit.errors import DbkitError
from dbkit.readiness.declaration import load_claim

PROJECT = """
[modules]
app = []
[tenancy]
app_roles = ["notes_app"]
context = ["select set_config('app.tenant', {tenant}, true)"]
[readiness]
notes = "tests/notes.toml"
"""
SCHEMA = {
    "schema/app/_roles.sql": """
do $$ begin if to_regrole('notes_app') is null then create role notes_app; end if; end $$;
""",
    "schema/app/_module.sql": "create schema app; grant usage on schema app to notes_app;",
    "schema/app/notes.sql": "create table app.notes (tenant_id uuid, id uuid, primary key (tenant_id, id));",
    "policies/app/notes.sql": """
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy own on app.notes to notes_app
    using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid));
grant select, insert on app.notes to notes_app;
""",
}
OPEN = "create policy open on app.notes for select to notes_app using (true);"
CLAIM = """
title = "Notes"
data = "notes.sql"
role = "notes_app"
caller = "md5('tenant' || {n})::uuid"
callers = 3
context = "select set_config('app.tenant', ({caller})::text, true)"

[[criteria]]
name = "no-leakage"
says = "nobody reads another's notes"
[[criteria.checks]]
kind = "leak"
module = "app"
[[criteria.checks]]
kind = "leak"
module = "app"
schema = "app"
commands = ["INSERT"]

[[criteria]]
name = "tested"
says = "notes are tested"
[[criteria.checks]]
kind = "tests"
paths = ["tests/pgtap"]

[[criteria]]
name = "seen"
says = "everybody sees the own note"
[[criteria.checks]]
kind = "each"
says = "see one note"
sql = "select count(*) from app.notes"
expect = ["1"]
"""
PASSES = "begin; select plan(1); select has_table('app', 'notes', 'there are notes'); select * from finish(); rollback;"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that keeps what it claims."""
    (tmp_path / "dbkit.toml").write_text(PROJECT)
    for name, text in SCHEMA.items():
        write(tmp_path / "sql" / name, text)
    write(tmp_path / "tests/notes.toml", CLAIM)
    write(
        tmp_path / "tests/notes.sql",
        "insert into app.notes select md5('tenant' || n)::uuid, gen_random_uuid() from generate_series(1, 3) as n;",
    )
    write(tmp_path / "tests/pgtap/notes.sql", PASSES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def readiness(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["readiness", "notes", *arguments])


def summary(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document["summary"]  # type: ignore[no-any-return]


def verdicts(result: Result) -> dict[str, str]:
    return {criterion["name"]: criterion["verdict"] for criterion in summary(result)["criteria"]}


def test_a_project_that_keeps_its_claim_is_ready(project: Path) -> None:
    done = readiness()
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0].startswith("Notes: PostgreSQL ")
    assert lines[2] == "measured target shown alone by"
    assert lines[3] == "1 no-leakage: nobody reads another's notes"
    assert lines[4].endswith("0 leak, 0 unverified 0 leak, 0 unverified dbkit leak app")
    assert "met 1 files, 1 tests, 0 failed 0 failed dbkit test tests/pgtap" in lines
    assert "met 3 of 3 see one note 3 of 3 dbkit readiness notes --only seen" in lines
    assert lines[-1] == "3 criteria: 3 met, 0 missed, 0 unverified"


def test_a_leak_is_a_miss_of_what_speaks_of_it_and_of_nothing_else(project: Path) -> None:
    write(project / "sql/policies/app/notes.sql", SCHEMA["policies/app/notes.sql"] + OPEN)
    done = readiness("--format", "json")
    assert done.exit_code == 1
    assert verdicts(done) == {"no-leakage": "missed", "tested": "met", "seen": "missed"}
    reading, writing = summary(done)["criteria"][0]["checks"]
    assert (reading["verdict"], writing["verdict"]) == ("missed", "met")
    assert reading["figures"]["leaks"] > 0
    assert "notes_app SELECT app.notes: leak" in reading["detail"]
    found = [finding for finding in json.loads(done.stdout)["findings"] if finding["severity"] == "error"]
    assert [finding["object"] for finding in found] == ["no-leakage", "seen"]


def test_a_test_that_fails_is_a_miss(project: Path) -> None:
    write(project / "tests/pgtap/notes.sql", PASSES.replace("'notes', ", "'letters', "))
    done = readiness("--only", "tested")
    assert done.exit_code == 1
    assert "missed  1 files, 1 tests, 1 failed" in done.stdout
    assert "hint: Run: dbkit test tests/pgtap/notes.sql" in done.stdout
    assert done.stdout.rstrip().endswith("1 criterion: 0 met, 1 missed, 0 unverified (2 left out)")


def test_a_test_that_is_skipped_shows_nothing(project: Path) -> None:
    write(project / "tests/pgtap/notes.sql", "begin; select '1..0 # SKIP later'; rollback;")
    done = readiness("--only", "tested", "--format", "json")
    assert (done.exit_code, verdicts(done)) == (2, {"tested": "unverified"})


def test_what_cannot_be_measured_stops_no_other_and_is_never_met(project: Path) -> None:
    write(project / "tests/notes.toml", CLAIM.replace('commands = ["INSERT"]', 'commands = ["DELETE FAST"]'))
    done = readiness("--format", "json")
    assert (done.exit_code, verdicts(done)) == (2, {"no-leakage": "unverified", "tested": "met", "seen": "met"})
    assert summary(done)["criteria"][0]["checks"][1]["value"] == "not measured: the proof has no such path"
    write(project / "sql/policies/app/notes.sql", SCHEMA["policies/app/notes.sql"] + OPEN)
    worse = readiness("--only", "no-leakage", "--format", "json")
    assert (worse.exit_code, verdicts(worse)) == (1, {"no-leakage": "missed"})


def test_tests_run_in_databases_of_our_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBKIT_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/production")
    assert readiness("--only", "tested").exit_code == 0


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ('kind = "tests"', 'kind = "hopes"', "bad claim: tested: unknown kind of check 'hopes'"),
        ('expect = ["1"]', "", "bad claim: seen.each: no expect"),
        ('expect = ["1"]', 'expect = ["1"]\nexpects = ["1"]', "unknown setting in notes.toml: expects"),
        ('expect = ["1"]', "expect = 1", "bad value in notes.toml: seen.each.expect"),
        ('name = "tested"', 'name = "seen"', "bad claim: two criteria have one name"),
        ('title = "Notes"', "", "bad claim: claim: no title"),
        ('title = "Notes"', 'title = "Notes"\ntitel = "x"', "bad claim: unknown key titel"),
        ('data = "notes.sql"', 'data = "none.sql"', "bad claim: no such file: none.sql"),
        ("[[criteria]]", "[[criteria", "cannot read tests/notes.toml"),
        (CLAIM[CLAIM.index("[[criteria]]") :], "", "bad claim: claim: no criteria"),
        (CLAIM[CLAIM.index('[[criteria.checks]]\nkind = "each"') :], "", "bad claim: criteria 3: no checks"),
    ],
)
def test_a_file_that_means_nothing_is_refused(project: Path, was: str, becomes: str, message: str) -> None:
    assert CLAIM.count(was) >= 1
    write(project / "tests/notes.toml", CLAIM.replace(was, becomes))
    with pytest.raises(DbkitError) as refused:
        load_claim(load_config(project / "dbkit.toml"), "notes")
    assert refused.value.message == message
    assert refused.value.hint


def test_a_name_that_is_not_there_is_refused(project: Path) -> None:
    for arguments, message in (
        (["letters"], "unknown claim: letters"),
        (["notes", "--only", "x"], "unknown criterion: x"),
    ):
        with pytest.raises(DbkitError, match=message):
            CliRunner().invoke(cli, ["readiness", *arguments], standalone_mode=False, catch_exceptions=False)


def test_every_claim_that_is_declared_can_be_read(config: Config) -> None:
    for name in config.readiness:
        assert load_claim(config, name).criteria


def test_the_landlords_claim_has_its_seven_criteria(config: Config) -> None:
    claim = load_claim(config, "landlord")
    assert [criterion.name for criterion in claim.criteria] == [
        "no-leakage", "response-time", "size", "import", "self-registration", "ownership", "limiter",
    ]  # fmt: skip
    assert claim.callers == 100

"""`dbkit lint --fix`: every repair on its own bad case, what is shown, what is written, what is left alone."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from dbkit.config import Config, load_config
from dbkit.lint.apply import Plan, applied_files, plan_repairs, write_repairs
from dbkit.lint.engine import lint
from dbkit.lint.fix import delete_rule
from dbkit.lint.rule import HOUSE, load_rules
from dbkit.postgres import Database

CASES = Path(__file__).parent.parent / "lint"
BASE = CASES / "_base.sql"
PROJECT = """
[tenancy]
app_roles = ["app_user"]
context = ["select app.set_context({tenant})"]
"""
FIXABLE = [name for name, rule in load_rules().items() if rule.fix]
# For rules whose repair needs what their cases in tests/lint do not have: a section mark, a constraint with a name.
OWN_CASES = {
    "missing_lock_timeout": "-- migrate:up\nalter table app.orders add column x text;\n\n-- migrate:down\n",
    "missing_statement_timeout": "-- migrate:up\nalter table app.orders add column x text;\n\n-- migrate:down\n",
    "index_blocks_writes": "-- migrate:up\ncreate index orders_x on app.orders (total);\n\n-- migrate:down\n",
    "drop_index_blocks_table": "-- migrate:up transaction:false\ndrop index app.orders_x;\n\n-- migrate:down\n",
    "reindex_blocks_writes": "-- migrate:up transaction:false\nreindex table app.orders;\n\n-- migrate:down\n",
    "constraint_validated_under_lock": (
        "-- migrate:up\nalter table app.orders add constraint positive check (total > 0);\n\n-- migrate:down\n"
    ),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "dbkit.toml").write_text(PROJECT)
    (tmp_path / "m").mkdir()
    return load_config(tmp_path / "dbkit.toml")


def put(project: Config, text: str, name: str = "0001_case.sql") -> Path:
    path = project.root / "m" / name
    path.write_bytes(text.encode())
    return path


def plan_of(project: Config, **options: object) -> Plan:
    return plan_repairs(project, [project.root / "m"], history=[BASE], **options)  # type: ignore[arg-type]


def found(project: Config) -> list[str]:
    return [finding.rule for finding in lint(project, [project.root / "m"], history=[BASE]).report.findings]


def texts_of(rule: str) -> list[str]:
    single = [path.read_text() for path in sorted((CASES / rule).glob("bad*.sql"))]
    return [OWN_CASES[rule]] if rule in OWN_CASES else [text for text in single if "-- file: " not in text]


@pytest.mark.parametrize("rule", FIXABLE)
def test_each_repair_mends_its_own_bad_case(project: Config, rule: str) -> None:
    if load_rules()[rule].set == HOUSE:
        project = replace(project, lint={"profile": "house"})
    mended = 0
    for text in texts_of(rule):
        for path in (project.root / "m").iterdir():
            path.unlink()
        put(project, text)
        before = found(project)
        plan = plan_of(project)
        mended += sum(finding.rule == rule for finding in plan.repaired)
        write_repairs(plan, lambda: lint(project, [project.root / "m"], history=[BASE]))
        after = found(project)
        assert "syntax_error" not in after
        assert not set(after) - set(before), "nothing new is found"
        assert len(after) == len(before) - len(plan.repaired)
    assert mended, f"no bad case of {rule} is repaired"


def test_no_rule_repairs_without_saying_so(project: Config) -> None:
    result = lint(project, [CASES], history=[BASE], each=True, repair=True, profile="strict")
    repairing = {repair.finding.rule for repair in result.repairs}
    assert repairing and repairing <= set(FIXABLE)


def test_what_is_not_found_is_not_touched(project: Config) -> None:
    text = (
        "-- timestamp, json and varchar(3) in a comment\n"
        "create table app.x (id bigint primary key, at timestamptz, note text default 'serial json timestamp');\n"
        "-- dbkit: allow timestamp_without_tz because it is a wall clock\n"
        "create table app.y (id bigint primary key, at timestamp not null);\n"
    )
    put(project, text)
    assert plan_of(project).after == {}


def test_types_keep_what_stands_around_them(project: Config) -> None:
    put(
        project,
        'create table app."Odd, name" (\n'
        "    id bigint primary key, -- one; of many\n"
        "    a TIMESTAMP (3) WITHOUT TIME ZONE default now() not null, b character varying(20) default 'x, y)',\n"
        "    c json not null default '{}', d timestamp[] \n);\n",
    )
    plan = plan_of(project)
    (text,) = plan.after.values()
    assert "a timestamptz (3) default now() not null," in text
    assert "c jsonb not null default '{}'" in text
    assert "d timestamp[]" in text, "an array is left to people"


def test_settings_in_quoted_bodies_are_left_to_people(project: Config) -> None:
    call = "select current_setting('app.t')::uuid"
    quoted = call.replace("'", "''")
    put(
        project,
        f"create function app.a() returns uuid language sql stable set search_path = '' as $$ {call} $$;\n"
        f"create function app.b() returns uuid language sql stable set search_path = '' as '{quoted}';\n",
    )
    (text,) = plan_of(project).after.values()
    assert "$$ select nullif(current_setting('app.t', true), '')::uuid $$" in text
    assert quoted in text


def test_lengths_outside_of_tables_are_left_to_people(project: Config) -> None:
    others = """create foreign table app.f (code char(4), name varchar(10)) server s;
create domain app.d as char(3);
create type app.c as (code varchar(3));
"""
    put(project, f"{others}create table app.x (id bigint primary key, code char(4) not null);\n")
    (text,) = plan_of(project).after.values()
    assert others in text
    assert "code text constraint x_code_length check (length(code) <= 4) not null" in text


def test_what_a_block_runs_is_left_to_people(project: Config) -> None:
    block = """do $$
begin
    alter table app.t add constraint t_n_check check (n > 0);
    create table app.u (at timestamp);
    create index u_at_idx on app.t (n);
    execute 'alter table app.t add column m varchar(10)';
end
$$;
"""
    put(project, f"{block}alter table app.t add constraint t_m_check check (m > 0);\n")
    text, validated = plan_of(project).after.values()
    assert block in text
    assert "t_n_check" not in validated
    assert "check (m > 0) not valid;" in text


@pytest.mark.parametrize(
    ("written", "repaired"),
    [
        ("references app.t", "references app.t on delete no action"),
        ("references t (a, b) on update cascade", "references t (a, b) on delete no action on update cascade"),
        ('REFERENCES "App" . "T"(id) MATCH FULL', 'REFERENCES "App" . "T"(id) MATCH FULL on delete no action'),
        (
            "constraint c -- references x\n foreign key (a) references t (a) not valid",
            "constraint c -- references x\n foreign key (a) references t (a) on delete no action not valid",
        ),
        ("references app.t /* the old one */ (id)", None),
        ("check (a > 0)", None),
    ],
)
def test_a_delete_rule_stands_behind_the_referenced_columns(written: str, repaired: str | None) -> None:
    before, after = "create table x (a bigint ", ", b bigint references app.other (id));"
    fix = delete_rule(before + written + after, len(before))
    if repaired is None:
        assert fix is None
        return
    assert fix is not None
    (edit,) = fix.edits
    text = before + written + after
    assert text[: edit.start] + edit.text + text[edit.end :] == before + repaired + after


def test_a_second_file_is_numbered_and_headed_like_the_line(project: Config) -> None:
    folder = project.root / "sql/migrations/clinic"
    folder.mkdir(parents=True)
    (project.root / "dbkit.toml").write_text(PROJECT + "[modules]\nclinic = []\n")
    header = (
        "-- Migration: {0}\n-- Description: d\n-- Author: Ann\n-- Date: 2026-01-02\n-- Dependencies: none\n"
        "-- Rollback: down section\n\n"
    )
    first, second = "20260102000000_create_table_pets", "20260102000001_alter_table_pets"
    create = "create schema clinic;\ncreate table clinic.pets (id bigint primary key, age int not null);\n"
    (folder / f"{first}.sql").write_text(
        header.format(first) + f"-- migrate:up\n{create}\n-- migrate:down\ndrop schema clinic;\n"
    )
    (folder / f"{second}.sql").write_text(
        header.format(second) + "-- migrate:up\ncreate index pets_age_idx on clinic.pets (age);\n"
        "alter table clinic.pets add constraint pets_age_positive check (age > 0);\n\n"
        "-- migrate:down\nalter table clinic.pets drop constraint pets_age_positive;\n"
    )
    own = load_config(project.root / "dbkit.toml")
    plan = plan_repairs(own, [project.root / "sql/migrations"], profile="house")
    made = sorted(path for path in plan.after if path not in plan.before)
    assert [re.sub(r"^\d{14}", "", path.name) for path in made] == [
        "_idx_pets_age_idx.sql",
        "_alter_table_pets_validate_pets_age_positive.sql",
    ]
    index, validate = (plan.after[path] for path in made)
    assert "-- Author: Ann\n" in index and "-- Dependencies: clinic/20260102000001\n" in index
    assert "-- migrate:up transaction:false\n\ncreate index concurrently pets_age_idx" in index
    assert "drop index concurrently clinic.pets_age_idx;" in index
    assert "-- Rollback: irreversible" in validate and "migrate:down" not in validate
    result = write_repairs(plan, lambda: lint(own, [project.root / "sql/migrations"], profile="house"))
    assert not {"index_blocks_writes", "constraint_validated_under_lock"} & {f.rule for f in result.report.findings}
    assert not {"incomplete_migration_header", "malformed_migration_name"} & {f.rule for f in result.report.findings}


def test_a_single_file_gets_no_second_one_beside_it(project: Config) -> None:
    path = put(project, OWN_CASES["constraint_validated_under_lock"])
    plan = plan_repairs(project, [path], history=[BASE])
    assert plan.after.keys() <= {path}
    reasons = {finding.rule: reason for finding, reason in plan.withdrawn}
    assert "name the folder" in reasons["constraint_validated_under_lock"]


def test_an_edit_that_uncovers_a_defect_is_withdrawn_and_said(project: Config) -> None:
    put(project, "create table app.a (id serial primary key);\ncreate table app.b (\n"
        "    id bigint primary key, a_id integer not null references app.a (id)\n);\n"
        "create index b_a on app.b (a_id);\n")  # fmt: skip
    plan = plan_of(project)
    reasons = {finding.rule: reason for finding, reason in plan.withdrawn}
    assert reasons["serial_not_identity"] == "fk_type_mismatch would be found then"
    assert all("id serial primary key" in text for text in plan.after.values())


def test_bytes_around_the_edit_stay(project: Config) -> None:
    text = "\ufeff-- größe\r\ncreate table app.x (\r\n    id bigint primary key, größe json\r\n);\r\n"
    path = put(project, text)
    path.chmod(0o640)
    write_repairs(plan_of(project), lambda: lint(project, [project.root / "m"], history=[BASE]))
    assert path.read_bytes().decode() == text.replace("json", "jsonb")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_changed_meanwhile_is_not_written(project: Config) -> None:
    from dbkit.errors import DbkitError

    path = put(project, "create table app.x (id bigint primary key, a json);\n")
    plan = plan_of(project)
    path.write_text("select 1;\n")
    with pytest.raises(DbkitError, match="changed meanwhile"):
        write_repairs(plan, lambda: lint(project, [path]))
    assert path.read_text() == "select 1;\n"


def test_all_is_undone_when_the_files_do_not_hold(project: Config) -> None:
    from dbkit.errors import DbkitError

    path = put(
        project,
        OWN_CASES["constraint_validated_under_lock"].replace(
            "alter", "create table app.m (id bigint, a money);\nalter", 1
        ),
    )
    before = path.read_text()
    plan = plan_of(project)
    assert len(plan.after) == 2
    plan.expected.clear()
    with pytest.raises(DbkitError, match="do not hold"):
        write_repairs(plan, lambda: lint(project, [project.root / "m"], history=[BASE]))
    assert path.read_text() == before and list((project.root / "m").iterdir()) == [path]


def test_a_link_out_of_the_folder_is_left_alone(project: Config, tmp_path: Path) -> None:
    outside = tmp_path / "outside.sql"
    outside.write_text("create table app.x (id bigint primary key, a json);\n")
    (project.root / "m/0001_link.sql").symlink_to(outside)
    plan = plan_of(project)
    assert plan.after == {}
    assert [reason for _, reason in plan.withdrawn] == ["the file lies outside the given paths"]


def test_an_applied_migration_is_left_alone(project: Config, database: Database) -> None:
    for name in ("0001_a.sql", "0002_b.sql"):
        put(project, f"create table t{name[:4]} (id bigint primary key, a json);\n", name)
    folder = project.root / "m"
    run = ["migrate", "apply", "--migrations", str(folder), "--database", database.conninfo, "--to", "0001"]
    done = subprocess.run([sys.executable, "-m", "dbkit", *run], cwd=project.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(database.conninfo) as connection:
        assert connection.execute("select to_regclass('t0001') is not null").fetchone() == (True,)
    applied = applied_files(project, database.conninfo, folder)
    assert applied == {folder / "0001_a.sql"}
    plan = plan_of(project, applied=applied)
    assert set(plan.after) == {folder / "0002_b.sql"}
    assert {reason for _, reason in plan.withdrawn} == {"the migration is recorded as applied"}


# The command


def dbkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dbkit", "lint", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_diff_prints_and_writes_nothing(project: Config) -> None:
    path = put(project, "create table app.x (id bigint primary key, a json);\n")
    run = dbkit(project.root, "m", "--diff")
    assert run.returncode == 1
    assert run.stdout.splitlines() == [
        "--- a/m/0001_case.sql",
        "+++ b/m/0001_case.sql",
        "@@ -1 +1 @@",
        "-create table app.x (id bigint primary key, a json);",
        "+create table app.x (id bigint primary key, a jsonb);",
    ]
    assert " json" in path.read_text()
    put(project, "select 1;\n")
    clean = dbkit(project.root, "m", "--diff")
    assert (clean.returncode, clean.stdout) == (0, "")


def test_fix_without_a_terminal_wants_yes(project: Config) -> None:
    path = put(project, "create table app.x (id bigint primary key, a json);\n")
    run = dbkit(project.root, "m", "--fix")
    assert run.returncode == 2 and "error: nobody is there to confirm" in run.stderr
    assert "a json" in path.read_text()
    run = dbkit(project.root, "m", "--fix", "--yes")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "repaired 1 finding in 1 file" in run.stderr and "no findings in 1 file" in run.stdout
    assert "a jsonb" in path.read_text()
    again = dbkit(project.root, "m", "--fix", "--yes")
    assert again.returncode == 0 and "nothing to repair" in again.stderr


def test_fix_asks_on_a_terminal(project: Config) -> None:
    import os
    import pty

    path = put(project, "create table app.x (id bigint primary key, a json);\n")
    for answer, written in ((b"n\n", False), (b"y\n", True)):
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        command = [sys.executable, "-m", "dbkit", "lint", "m", "--fix"]
        run = subprocess.run(command, cwd=project.root, capture_output=True, text=True, stdin=theirs, check=False)
        os.close(ours)
        os.close(theirs)
        assert "Write 1 file?" in run.stderr
        assert ("a jsonb" in path.read_text()) is written
        assert run.returncode == (0 if written else 1)

"""An existing project is taken over: another runner's folder, a role that others create, a database with its schema."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from command_line import dbkit, refused
from psycopg.conninfo import make_conninfo

from dbkit.postgres import Database

ROLE = "courses_web"
UP = f"""create table public.orgs (id bigint primary key);
create table public.courses (
    id bigint generated always as identity primary key, org_id bigint not null references public.orgs (id),
    title text not null
);
alter table public.orgs enable row level security;
alter table public.courses enable row level security;
create policy org on public.orgs to {ROLE} using (id = current_setting('app.org', true)::bigint);
create policy org on public.courses to {ROLE} using (org_id = current_setting('app.org', true)::bigint);
grant select, insert, update, delete on public.courses to {ROLE};
"""
DOWN = "drop table public.courses, public.orgs;\n"
TOML = f"""[migrations]
dir = "db/migrations"
platform = "db/platform.sql"

[test]
paths = ["tests"]

[tenancy]
app_roles = ["{ROLE}"]
context = ["select set_config('app.org', {{tenant}}, true)"]
tenants = "public.orgs.id"
"""
TEST = """begin;
select plan(1);
select has_table('public'::name, 'courses'::name);
select * from finish();
rollback;
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "db/migrations").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    (tmp_path / "dbkit.toml").write_text(TOML)
    (tmp_path / "db/platform.sql").write_text(f"-- Made by the host.\ncreate role {ROLE};\n")
    (tmp_path / "db/migrations/20240101090000_init.sql").write_text(f"-- migrate:up\n{UP}\n-- migrate:down\n{DOWN}")
    (tmp_path / "tests/courses.sql").write_text(TEST)
    return tmp_path


@pytest.fixture
def taken_over(database: Database) -> Database:
    """Another runner has applied the same and keeps its ledger; the role may log in there."""
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute(f"do $$ begin create role {ROLE} login; exception when duplicate_object then end $$")
        connection.execute(UP)  # type: ignore[call-overload]
        connection.execute("create table public.schema_migrations (version text primary key)")
    return database


def test_the_folder_replays_upon_the_platform(project: Path) -> None:
    for command in (["drift"], ["leak"], ["test"], ["migrate", "plan", "--trace"]):
        done = dbkit(project, *command)
        assert done.returncode == 0 or command[0] == "migrate", (command, done.stdout, done.stderr)
        assert "error: " not in done.stderr, (command, done.stderr)


def test_the_proof_of_a_folder_shows_its_leaks(project: Path) -> None:
    path = project / "db/migrations/20240101090000_init.sql"
    # A key that callers choose is a finding beside the paths.
    leaky = path.read_text().replace("(org_id = current", "(true or org_id = current")
    path.write_text(leaky.replace("generated always as identity ", ""))
    done = dbkit(project, "leak")
    assert done.returncode == 1 and "SELECT on public.courses" in done.stdout
    *_, numbers = done.stdout.splitlines()  # they add up
    *judged, hold, leak, unverified = map(int, re.findall(r"(\d+) (?!table)", numbers))
    assert sum(judged) == hold + leak + unverified, numbers


def test_without_the_platform_the_hint_says_where_roles_belong(project: Path) -> None:
    (project / "db/platform.sql").write_text("select 1;\n")
    for command in ("drift", "leak", "test"):
        done = dbkit(project, command)
        assert done.returncode == 2 and f'role "{ROLE}" does not exist' in done.stderr, done.stderr
        assert "the file that [migrations] platform names" in done.stderr, done.stderr


def test_a_platform_that_is_none_is_an_error(project: Path) -> None:
    (project / "db/platform.sql").write_text("create rol x;\n")
    refused(dbkit(project, "drift"), 'syntax error at or near "rol"', "db/platform.sql:1:8")
    (project / "db/platform.sql").unlink()
    refused(dbkit(project, "drift"), "no such file: db/platform.sql", "platform")


def test_what_another_runner_applied_is_taken_over(project: Path, taken_over: Database) -> None:
    given = ["--database", taken_over.conninfo]
    failed = dbkit(project, "migrate", "apply", *given)
    assert failed.returncode == 2 and "record them: dbkit migrate baseline" in failed.stderr, failed.stderr
    assert dbkit(project, "migrate", "baseline", *given).returncode == 0
    done = dbkit(project, "drift", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note: " in done.stdout and "the ledger of another runner" in done.stdout


def test_the_owner_of_tables_without_force_sees_and_saves_every_row(project: Path, taken_over: Database) -> None:
    with psycopg.connect(taken_over.conninfo, autocommit=True) as connection:
        connection.execute("do $$ begin create role courses_own login; exception when duplicate_object then end $$")
        connection.execute("grant create on schema public to courses_own")
        for table in ("orgs", "courses", "schema_migrations"):
            connection.execute(f"alter table public.{table} owner to courses_own")  # type: ignore[call-overload]
        connection.execute("insert into public.orgs values (1), (2)")
    owner = ["--database", make_conninfo(taken_over.conninfo, user="courses_own"), "--directory", "saved"]
    done = dbkit(project, "backup", *owner)
    assert done.returncode == 0 and "3 tables, 2 rows" in done.stdout, done.stdout + done.stderr
    with psycopg.connect(taken_over.conninfo, autocommit=True) as connection:
        connection.execute("alter table public.courses force row level security")
    refused(dbkit(project, "backup", *owner), "role courses_own sees only the rows", "courses", "bypassrls")


def test_no_migration_is_drafted_where_nothing_is_declared(project: Path) -> None:
    refused(dbkit(project, "migrate", "new", "main", "x"), "unknown module: main", "The project declares no modules")


def test_a_tenancy_file_may_begin_with_a_byte_order_mark(project: Path) -> None:
    (project / "tenancy.toml").write_text(TOML[TOML.index("[tenancy]") :], encoding="utf-8-sig", newline="\r\n")
    (project / "dbkit.toml").write_text(TOML[: TOML.index("[tenancy]")], encoding="utf-8-sig", newline="\r\n")
    done = dbkit(project, "leak", "--model", "--tenancy", "tenancy.toml")
    assert done.returncode == 0 and ROLE in done.stdout, done.stderr


def test_a_placeholder_that_is_none_is_named(project: Path) -> None:
    (project / "dbkit.toml").write_text(TOML.replace("{tenant}", "{org}"))
    done = dbkit(project, "leak")
    assert done.returncode == 2 and "{org} is none" in done.stderr, done.stderr


def test_an_unknown_service_says_where_services_stand(project: Path) -> None:
    done = dbkit(project, "migrate", "status", PGSERVICE="nowhere")
    refused(done, "cannot connect to the database", "add [nowhere] to ~/.pg_service.conf")

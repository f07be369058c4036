"""Building the declared tree: all of it or nothing, and errors that name the place."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from dbkit import build
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Database

WriteProject = Callable[..., Config]

MODULE = {"sql/schema/a/_module.sql": "create schema a;"}


def value(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_the_shipped_tree_builds(config: Config, database: Database) -> None:
    build.bootstrap(database.conninfo, config)
    files = build.build(database.conninfo, config)
    assert files == build.build_order(config)
    # the days of the other two are made and dropped by core.ensure_job_partitions and core.purge_jobs
    owners = """
        select string_agg(distinct tableowner, ',') from pg_tables
         where schemaname in ('core', 'rental') and tablename !~ '^(job_envelopes|jobs_done)'
    """
    assert value(database.conninfo, owners) == "app_owner"
    assert value(database.conninfo, "select to_regclass('dbkit.migrations') is not null") is True


@pytest.mark.parametrize("isolation", ["trusted", "signed"])
def test_the_other_isolation_modes_build(config: Config, database: Database, isolation: str) -> None:
    from dataclasses import replace

    other = replace(config, isolation=isolation)
    build.bootstrap(database.conninfo, other)
    build.build(database.conninfo, other)
    assert value(database.conninfo, "select to_regproc('core.active_tenant_id') is not null") is True


def test_bootstrap_twice_changes_nothing(config: Config, database: Database) -> None:
    roles = "select array_agg(rolname || rolsuper || rolbypassrls || rolcanlogin order by rolname) from pg_roles"
    members = "select array_agg(roleid::regrole || '>' || member::regrole order by 1) from pg_auth_members"
    build.bootstrap(database.conninfo, config)
    before = value(database.conninfo, roles), value(database.conninfo, members)
    assert build.bootstrap(database.conninfo, config) == []
    assert (value(database.conninfo, roles), value(database.conninfo, members)) == before


def test_without_the_roles_the_hint_says_bootstrap(write_project: WriteProject, database: Database) -> None:
    config = write_project({"a": []}, MODULE, '[migrations]\nrole = "nobody_made_me"\n')
    with pytest.raises(DbkitError) as raised:
        build.build(database.conninfo, config)
    assert raised.value.message == "role does not exist: nobody_made_me"
    assert raised.value.hint == "Run: dbkit bootstrap --database URL"


def test_error_with_a_position_shows_line_and_caret(write_project: WriteProject, database: Database) -> None:
    text = "-- é\ncreate table a.pets (id int);\ncreate view a.names as\n    select nmae from a.pets;\n"
    config = write_project({"a": []}, {**MODULE, "sql/schema/a/pets.sql": text})
    with pytest.raises(DbkitError) as raised:
        build.build(database.conninfo, config)
    assert raised.value.message == 'column "nmae" does not exist'
    lines = str(raised.value.detail).splitlines()
    assert lines[0].endswith("pets.sql:4:12: 42703")
    assert lines[2].index("^") == lines[1].index("nmae")


def test_error_without_a_position_names_the_statement(write_project: WriteProject, database: Database) -> None:
    index = "create index pets_idx on a.pets (id);\n"
    text = f"create table a.pets (id int);\n\n{index}\n-- again\n{index}"
    config = write_project({"a": []}, {**MODULE, "sql/schema/a/pets.sql": text})
    with pytest.raises(DbkitError) as raised:
        build.build(database.conninfo, config)
    assert raised.value.message == 'relation "pets_idx" already exists'
    assert str(raised.value.detail).splitlines()[0].endswith("pets.sql:6:1: 42P07")


def test_error_inside_a_function_body_is_found(write_project: WriteProject, database: Database) -> None:
    text = "create function a.f() returns int language sql as $$\n    select 1 + nothing\n$$;\n"
    config = write_project({"a": []}, {**MODULE, "sql/functions/a/f.sql": text})
    with pytest.raises(DbkitError) as raised:
        build.build(database.conninfo, config)
    assert "f.sql:2:16: 42703" in str(raised.value.detail)


def test_a_failed_build_leaves_nothing(write_project: WriteProject, database: Database) -> None:
    files = {**MODULE, "sql/schema/a/a.sql": "create table a.a ();", "sql/schema/a/b.sql": "select 1 / 0;"}
    with pytest.raises(DbkitError, match="division by zero"):
        build.build(database.conninfo, write_project({"a": []}, files))
    assert value(database.conninfo, "select count(*) from pg_namespace where nspname in ('a', 'dbkit')") == 0
    files["sql/schema/a/b.sql"] = "select 1;"
    build.build(database.conninfo, write_project({"a": []}, files))
    assert value(database.conninfo, "select to_regclass('a.a') is not null") is True


@pytest.mark.parametrize("control", ["begin", "COMMIT", "rollback", "start transaction", "savepoint x", "end"])
def test_transaction_control_is_refused_with_its_place(
    write_project: WriteProject, database: Database, control: str
) -> None:
    config = write_project(
        {"a": []}, {**MODULE, "sql/schema/a/b.sql": f"create table a.b ();\n  {control};\nselect 1;"}
    )
    with pytest.raises(DbkitError, match="transaction control in a file of one transaction") as raised:
        build.build(database.conninfo, config)
    assert "b.sql:2:3: " in str(raised.value.detail)
    assert value(database.conninfo, "select to_regclass('a.b') is null") is True


def test_unreachable_server_is_no_traceback(write_project: WriteProject) -> None:
    config = write_project({"a": []}, MODULE)
    with pytest.raises(DbkitError, match="cannot connect to the database"):
        build.build("host=/nowhere dbname=a", config)

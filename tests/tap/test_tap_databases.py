"""A database the user names: cloned where its server is disposable, else used in place and left as it was."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from tap_files import Write, assertions

from dbkit.config import Config, PostgresConfig
from dbkit.errors import DbkitError
from dbkit.postgres import Database
from dbkit.tap.collect import collect
from dbkit.tap.command import Options, open_source
from dbkit.tap.databases import named_database
from dbkit.tap.result import FileResult
from dbkit.tap.runner import run

USES_TABLE = assertions("is((select count(*) from kept), 1::bigint)")


@pytest.fixture
def filled(pgtap_db: Database) -> Database:
    """A database with pgTAP and one row."""
    with psycopg.connect(pgtap_db.conninfo, autocommit=True) as connection:
        connection.execute("create table kept (a int); insert into kept values (1)")
    return pgtap_db


def host(database: Database) -> str:
    return psycopg.conninfo.conninfo_to_dict(database.conninfo)["host"]  # type: ignore[return-value]


def in_place(database: Database, *paths: Path, **options: object) -> list[FileResult]:
    config = Config(root=paths[0].parent)
    with named_database(config, database.conninfo, []) as source:
        assert source.in_place and "in place" in source.description
        return run(collect(paths, config), source, jobs=1, **options)  # type: ignore[arg-type]


def rows(database: Database) -> int:
    with psycopg.connect(database.conninfo) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
        assert row is not None
        return int(row[0])


def test_in_place_files_are_rolled_back(filled: Database, write: Write) -> None:
    own = write("a.sql", USES_TABLE.replace("begin;", "begin; insert into kept select 1 where false;"))
    bare = write(
        "b.sql", "insert into kept values (2);\nselect plan(1);\nselect is((select count(*) from kept), 2::bigint);"
    )
    first, second = in_place(filled, own, bare)
    assert first.passed, first.problems
    assert second.passed, second.transcript.output
    assert rows(filled) == 1


def test_in_place_a_file_that_commits_is_not_run_unless_allowed(filled: Database, write: Write) -> None:
    commits = write("a.sql", "begin; insert into kept values (2);\nselect plan(1);\nselect pass();\ncommit;\n")
    (refused,) = in_place(filled, commits)
    assert "not run: it commits" in refused.problems[0].message
    assert rows(filled) == 1
    (allowed,) = in_place(filled, commits, allow_commit=True)
    assert allowed.passed
    assert rows(filled) == 2


def test_in_place_what_psql_must_run_is_not_run_without_a_transaction(filled: Database, write: Write) -> None:
    (refused,) = in_place(
        filled, write("a.sql", "\\! true\ninsert into kept values (2);\nselect plan(1);\nselect pass();")
    )
    assert "needs psql" in refused.problems[0].message
    assert rows(filled) == 1


def test_in_place_refuses_setup_files(filled: Database, tmp_path: Path) -> None:
    with (
        pytest.raises(DbkitError, match="setup files would change"),
        named_database(Config(root=tmp_path), filled.conninfo, [lambda _: None]),
    ):
        pass


def test_on_a_disposable_host_clones_are_used(filled: Database, write: Write, tmp_path: Path) -> None:
    with psycopg.connect(filled.conninfo, autocommit=True) as connection:
        connection.execute(f"alter database {filled.name} set app.flavour = 'as set on the database'")
    commits = write(
        "a.sql", "insert into kept values (2);\nselect plan(1);\nselect is((select count(*) from kept), 2::bigint);"
    )
    looks = write(
        "b.sql", assertions("is(current_setting('app.flavour'), 'as set on the database')", "has_table('made')")
    )
    config = Config(root=tmp_path, postgres=PostgresConfig(disposable_hosts=(host(filled),)))

    def setup(conninfo: str) -> None:
        with psycopg.connect(conninfo) as connection:
            connection.execute("create table made ()")

    with named_database(config, filled.conninfo, [setup]) as source:
        assert not source.in_place
        results = run(collect([commits, write("c.sql", USES_TABLE), looks], config), source, jobs=1)
    assert [result.passed for result in results] == [True, True, True], [result.transcript.output for result in results]
    assert rows(filled) == 1
    with psycopg.connect(filled.conninfo) as connection:
        assert connection.execute("select to_regclass('made')").fetchone() == (None,)


def test_setup_files_run_in_sessions_like_those_of_the_tests(filled: Database, write: Write, tmp_path: Path) -> None:
    with psycopg.connect(filled.conninfo, autocommit=True) as connection:
        connection.execute("create schema tools; drop extension if exists pgtap; create extension pgtap schema tools")
        connection.execute(f"alter database {filled.name} set app.flavour = 'as set on the database'")
    write("setup.sql", "select plan(1);\ncreate table made as select current_setting('app.flavour') as flavour;\n")
    looks = write("a.sql", assertions("results_eq('select flavour from made', array['as set on the database'])"))
    config = Config(root=tmp_path, postgres=PostgresConfig(disposable_hosts=(host(filled),)))
    options = Options(paths=(looks,), database=filled.conninfo, setup=(tmp_path / "setup.sql",))
    with open_source(config, options) as source:
        (result,) = run(collect([looks], config), source, jobs=1)
    assert result.passed, result.transcript.output

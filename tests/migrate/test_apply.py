"""Apply and revert: one transaction a file, order, targets, refusals; each refusal with its permitted twin."""

from __future__ import annotations

import pytest
from migration_project import Project, json_of

from dbkit.errors import DbkitError
from dbkit.migrate import runner


@pytest.fixture
def two(project: Project) -> Project:
    project.native("20260101", "create_table_a", "create table a (n int);", "drop table a;")
    project.native("20260102", "create_table_b", "create table b (n int);", "drop table b;")
    return project


def test_applies_once_and_records(two: Project) -> None:
    assert [str(done.migration) for done in two.apply().done] == ["main/20260101000000", "main/20260102000000"]
    assert two.apply().chosen == []
    row = two.rows(
        "select name, length(checksum), depends_on, transactional, applied_by = session_user, execution_ms >= 0,"
        " rolled_back_at, tool_version from dbkit.migrations order by position limit 1"
    )[0]
    assert row[:7] == ("create_table_a", 64, [], True, True, True, None)


def test_failed_file_leaves_nothing_and_stops_the_run(two: Project) -> None:
    two.native("20260103", "create_table_c", "create table c (n int);\nselect 1 / 0;", None)
    two.native("20260104", "create_table_d", "create table d (n int);", None)
    with pytest.raises(DbkitError, match="22012") as caught:
        two.apply()
    assert "Of 4 migrations 2 were applied before it and 1 were not run." in (caught.value.detail or "")
    assert list(two.states()) == ["main/20260101000000", "main/20260102000000"]
    assert two.value("select to_regclass('c') is null and to_regclass('d') is null")


def test_file_whose_row_cannot_be_written_is_rolled_back(project: Project) -> None:
    """The file and its ledger row are one transaction."""
    project.write("1.sql", "create table a ();\n")
    project.apply()
    project.execute("alter table dbkit.migrations add constraint no_second check (version <> '2')")
    project.write("2.sql", "create table b ();\n")
    with pytest.raises(DbkitError, match="23514"):
        project.apply()
    assert project.value("select to_regclass('b') is null")
    project.execute("alter table dbkit.migrations drop constraint no_second")
    project.apply()
    assert project.value("select to_regclass('b') is not null")


def test_revert_undoes_the_last_and_apply_brings_it_back(two: Project) -> None:
    two.apply()
    two.revert()
    assert two.states() == {"main/20260101000000": "applied", "main/20260102000000": "reverted"}
    assert two.value("select rolled_back_at is not null from dbkit.migrations where name = 'create_table_b'")
    two.apply()
    assert set(two.states().values()) == {"applied"}


def test_revert_to_a_version_and_to_nothing(two: Project) -> None:
    two.native("20260103", "create_table_c", "create table c (n int);", "drop table c;")
    two.apply()
    two.revert(to="20260101000000")
    assert list(two.states().values()) == ["applied", "reverted", "reverted"]
    two.revert(to="0")
    assert two.value("select to_regclass('a') is null")


def test_irreversible_migration_is_refused_with_its_reason(two: Project) -> None:
    two.native("20260103", "add_data_a", "insert into a values (1);", None, rollback="irreversible: rows mix")
    two.apply()
    with pytest.raises(DbkitError, match="cannot be reverted") as caught:
        two.revert()
    assert "rows mix" in (caught.value.detail or "")
    assert set(two.states().values()) == {"applied"}


def test_failed_way_back_leaves_the_migration_applied(project: Project) -> None:
    project.native("20260101", "create_table_a", "create table a ();", "drop table a;\nselect 1 / 0;")
    project.apply()
    with pytest.raises(DbkitError, match="22012"):
        project.revert()
    assert project.states() == {"main/20260101000000": "applied"}
    assert project.value("select to_regclass('a') is not null")


def test_dry_run_changes_nothing(two: Project) -> None:
    run = two.cli("apply", "--dry-run")
    assert run.returncode == 0
    assert "would apply" in run.stdout
    assert two.value("select to_regnamespace('dbkit') is null")
    two.apply()
    assert "would revert" in two.cli("revert", "--dry-run").stdout
    assert set(two.states().values()) == {"applied"}


def test_to_a_version_of_the_only_line(two: Project) -> None:
    two.apply(to="20260101000000")
    assert list(two.states()) == ["main/20260101000000"]


def test_to_an_unknown_version(two: Project) -> None:
    with pytest.raises(DbkitError, match="unknown version: 20990101000000"):
        two.apply(to="20990101000000")
    assert two.states() == {}


def test_to_a_time_reaches_all_lines(project: Project) -> None:
    for line in ("a", "b"):
        for day in ("20260101", "20260103"):
            project.native(day, f"create_table_{line}", f"create table {line}{day} ();", None, line=line)
    project.apply(to="20260102")
    assert list(project.states()) == ["a/20260101000000", "b/20260101000000"]
    project.apply()
    assert len(project.states()) == 4


def test_one_module_alone(project: Project) -> None:
    project.native("20260101", "create_table_a", "create table a ();", None, line="a")
    project.native("20260101", "create_table_b", "create table b ();", None, line="b")
    project.apply(module="b")
    assert list(project.states()) == ["b/20260101000000"]
    with pytest.raises(DbkitError, match="unknown module: c") as caught:
        project.apply(module="c")
    assert "a, b" in (caught.value.detail or "")


def test_late_file_is_refused_naming_both_and_runs_when_allowed(two: Project) -> None:
    two.apply()
    late = two.native("20260101120000", "create_table_late", "create table late ();", None)
    with pytest.raises(DbkitError, match="older than an applied one") as caught:
        two.apply()
    detail = caught.value.detail or ""
    assert late.name in detail and "20260102000000_create_table_b.sql" in detail
    two.apply(allow_late=True)
    assert two.states()["main/20260101120000"] == "applied"


def test_late_is_late_in_its_own_line_only(project: Project) -> None:
    project.native("20260105", "create_table_a", "create table a ();", None, line="a")
    project.apply()
    project.native("20260101", "create_table_b", "create table b ();", None, line="b")
    project.apply()
    assert len(project.states()) == 2


def test_edited_applied_file_is_refused(two: Project) -> None:
    two.apply()
    path = two.folder / "20260101000000_create_table_a.sql"
    original = path.read_text()
    path.write_text(original.replace("n int", "n  int"))
    with pytest.raises(DbkitError, match="changed after it was applied") as caught:
        two.apply()
    assert path.name in (caught.value.detail or "")
    path.write_text(original)
    assert two.apply().chosen == []


def test_line_ends_alone_are_said_to_be_the_difference(two: Project) -> None:
    two.apply()
    path = two.folder / "20260101000000_create_table_a.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(DbkitError) as caught:
        two.apply()
    assert "Only its line ends differ" in (caught.value.detail or "")


def test_missing_applied_file_is_refused(two: Project) -> None:
    two.apply()
    path = two.folder / "20260102000000_create_table_b.sql"
    content = path.read_text()
    path.unlink()
    with pytest.raises(DbkitError, match="applied migration has no file: main/20260102000000"):
        two.apply()
    path.write_text(content)
    two.apply()


def test_needed_migration_is_not_reverted_before_the_one_that_needs_it(project: Project) -> None:
    project.native("20260101", "create_table_a", "create table a ();", "drop table a;", line="a")
    project.native(
        "20260102", "create_table_b", "create table b ();", "drop table b;", line="b", needs="a/20260101000000"
    )
    project.apply()
    with pytest.raises(DbkitError, match="is needed by an applied one") as caught:
        project.revert(module="a")
    assert "b/20260102000000" in (caught.value.detail or "")
    project.revert(module="b")
    project.revert(module="a")
    assert set(project.states().values()) == {"reverted"}


@pytest.mark.parametrize(
    ("needs", "message"),
    [("a/20250101000000", "depends on one that does not exist"), ("20260109000000", "depends on a later one")],
)
def test_bad_dependencies(project: Project, needs: str, message: str) -> None:
    project.native("20260109", "create_table_later", "select 1;", None, line="a")
    project.native("20260102", "create_table_b", "select 1;", None, line="a", needs=needs)
    with pytest.raises(DbkitError, match=message):
        project.apply()


def test_cycle_between_lines(project: Project) -> None:
    project.native("20260101", "create_table_a", "select 1;", None, line="a", needs="b/20260101000000")
    project.native("20260101", "create_table_b", "select 1;", None, line="b", needs="a/20260101000000")
    with pytest.raises(DbkitError, match="depend on each other"):
        project.apply()


@pytest.mark.parametrize(
    "sql",
    [
        "begin;\nselect 1;\ncommit;",
        "select 1;\nCOMMIT;",
        "select 1; end;",
        "start transaction;\nselect 1;",
        "select 1;\nrollback;",
        "select 1; /* why */ -- not\n  abort ;",
        "prepare transaction 'x';",
    ],
)
@pytest.mark.parametrize("options", ["", "transaction:false"])
def test_transaction_control_is_refused_before_anything_runs(project: Project, sql: str, options: str) -> None:
    project.native("20260101", "create_table_a", f"create table a ();\n{sql}", None, options=options)
    with pytest.raises(DbkitError, match="controls the transaction itself") as caught:
        project.apply()
    assert "20260101000000_create_table_a.sql:" in (caught.value.detail or "")
    assert project.value("select to_regclass('a') is null")


@pytest.mark.parametrize(
    "sql",
    [
        "create function f() returns int language plpgsql as $$ begin return 1; end; $$;",
        "create function f() returns int language sql begin atomic select 1; end;",
        "select case when true then 1 end;",
        "savepoint s; release savepoint s;",
        '-- commit;\nselect \'rollback; commit;\', "begin" from (select 1 as "begin") x;',
        "savepoint s;\nrollback to savepoint s;",
        "create procedure p() language plpgsql as $body$ begin commit; end $body$;",
    ],
)
def test_words_of_transaction_control_elsewhere_are_permitted(project: Project, sql: str) -> None:
    project.native("20260101", "fn_f", sql, None)
    assert len(project.apply().done) == 1


def test_foreign_files_keep_their_own_transactions(project: Project) -> None:
    project.write("1_a.sql", "begin;\ncreate table a (n int);\ncommit;\n")
    project.write(
        "2_b.sql", "begin;\ninsert into a values (1);\ncommit;\nbegin;\ninsert into a values (2);\nrollback;\n"
    )
    project.write("3_c.sql", "begin isolation level serializable;\ninsert into a select count(*) from a;\ncommit;\n")
    project.apply()
    assert project.rows("select n from a") == [(1,), (1,)]
    project.write("4_d.sql", "begin;\ninsert into a values (9);\n")
    with pytest.raises(DbkitError, match="opens a transaction and does not close it") as caught:
        project.apply()
    assert "4_d.sql:1:" in (caught.value.detail or "")


def test_self_wrapped_file_commits_with_its_row_or_not_at_all(project: Project) -> None:
    project.write("1_a.sql", "begin;\ncreate table a ();\nselect 1 / 0;\ncommit;\n")
    with pytest.raises(DbkitError, match="22012") as caught:
        project.apply()
    assert "1_a.sql:3" in (caught.value.detail or "")
    assert project.value("select to_regclass('a') is null")
    assert project.states() == {}


def test_settings_of_one_file_do_not_reach_the_next(project: Project) -> None:
    project.write("1_a.sql", "create schema s;\nset search_path = s;\nset lock_timeout = 0;\ncreate table a ();\n")
    project.write(
        "2_b.sql",
        "create table seen as select current_setting('search_path') as path, current_setting('lock_timeout') as lock,"
        " current_setting('statement_timeout') as statement, current_setting('application_name') as name;\n",
    )
    project.apply()
    assert project.rows("select * from public.seen") == [('"$user", public', "400ms", "0", "dbkit")]


def test_role_owns_what_migrations_create_and_the_ledger(project: Project) -> None:
    role = f"owner_{project.database.name[-12:]}"
    project.execute(f'create role "{role}" createrole; grant all on schema public to "{role}"')
    try:
        project.setting(role=role)
        project.write("1_a.sql", "create table a ();\n")
        project.write("2_b.sql", "reset role;\ncreate table b ();\n")
        project.write("3_c.sql", f'create role "{role}_weak"; set role "{role}_weak"; select 1;\n')
        project.apply()
        assert project.states()["main/3_c"] == "applied"
        owner = "select pg_get_userbyid(relowner) from pg_class where oid = %s::regclass"
        assert project.value(owner, "a") == role
        assert project.value(owner, "b") == project.value("select session_user::text")
        assert project.value(owner, "dbkit.migrations") == role
    finally:
        project.execute(f'drop owned by "{role}"; drop role "{role}"; drop role if exists "{role}_weak"')


@pytest.mark.parametrize("action", ["apply", "revert", "baseline"])
def test_role_the_server_does_not_have_is_refused_before_anything_is_written(project: Project, action: str) -> None:
    project.setting(role="nobody_has_this_role")
    project.write("1_a.sql", "create table a ();\n")
    with pytest.raises(DbkitError, match="role nobody_has_this_role does not exist") as caught:
        getattr(runner, action)(project.database.conninfo, project.config, migrations=project.folder)
    assert caught.value.hint == "Run: dbkit bootstrap --database URL"
    assert project.value("select to_regnamespace('dbkit') is null and to_regclass('a') is null")
    assert len(runner.plan(project.database.conninfo, project.config, migrations=project.folder).pending) == 1
    project.setting(role=None)
    assert len(project.apply().done) == 1


def test_json_of_apply_status_and_failure(two: Project) -> None:
    applied = json_of(two.cli("apply", "--format", "json"))
    assert [item["version"] for item in applied["done"]] == ["20260101000000", "20260102000000"]
    assert applied["error"] is None
    status = json_of(two.cli("status", "--format", "json"))
    assert status["summary"] == {"applied": 2, "pending": 0}
    two.native("20260103", "create_table_c", "select 1 / 0;", None)
    failed = two.cli("apply", "--format", "json")
    assert failed.returncode == 2
    assert "22012" in json_of(failed)["error"]
    assert failed.stderr.startswith("error: ")
    assert json_of(two.cli("plan", "--format", "json"))["pending"][0]["version"] == "20260103000000"


def test_no_database_given(two: Project) -> None:
    import subprocess
    import sys

    run = subprocess.run(
        [sys.executable, "-m", "dbkit", "migrate", "status", "--migrations", str(two.folder)],
        cwd=two.config.root, env=two.env(), capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 2
    assert "error: no database given" in run.stderr


def test_unreachable_database(two: Project) -> None:
    import subprocess
    import sys

    run = subprocess.run(
        [sys.executable, "-m", "dbkit", "migrate", "apply", "--migrations", str(two.folder), "--database",
         "postgresql://ann:secret@127.0.0.1:1/x"],
        cwd=two.config.root, env=two.env(), capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 2
    assert "error: cannot connect to the database" in run.stderr
    assert "secret" not in run.stderr
    assert "Traceback" not in run.stderr

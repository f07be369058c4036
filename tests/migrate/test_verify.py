"""status, verify and baseline: what they find, and their exit codes."""

from __future__ import annotations

import pytest
from migration_project import Project, json_of

from dbkit.errors import DbkitError
from dbkit.migrate import ledger, runner
from dbkit.migrate.session import Session


@pytest.fixture
def three(project: Project) -> Project:
    for day in (1, 2, 3):
        project.native(f"2026010{day}", f"create_table_t{day}", f"create table t{day} (a int);", f"drop table t{day};")
    return project


def baseline(project: Project, **options: object) -> runner.Result:
    return runner.baseline(project.database.conninfo, project.config, migrations=project.folder, **options)  # type: ignore[arg-type]


def test_status_of_an_untouched_database_creates_nothing(three: Project) -> None:
    run = three.cli("status")
    assert run.returncode == 0
    assert "0 applied, 3 pending (dbkit layout)" in run.stdout
    assert three.value("select to_regnamespace('dbkit') is null")


def test_pending_is_no_problem(three: Project) -> None:
    three.apply(to="20260102000000")
    assert three.cli("status").returncode == 0
    verify = three.cli("verify")
    assert verify.returncode == 0
    assert "2 applied, 1 pending, 0 findings" in verify.stdout


def test_edited_file_makes_both_red(three: Project) -> None:
    three.apply()
    path = three.folder / "20260101000000_create_table_t1.sql"
    path.write_text(path.read_text() + "\n-- later thought\n")
    status = three.cli("status")
    assert status.returncode == 1
    assert "problem: migration main/20260101000000 changed after it was applied" in status.stdout
    verify = three.cli("verify", "--format", "json")
    assert verify.returncode == 1
    finding = json_of(verify)["findings"][0]
    assert finding["rule"] == "applied_file_edited"
    assert finding["location"]["file"].endswith(path.name)


def test_missing_file_and_gap(three: Project) -> None:
    three.apply()
    (three.folder / "20260103000000_create_table_t3.sql").unlink()
    three.native("20260101120000", "create_table_gap", "select 1;", None)
    rules = {finding["rule"] for finding in json_of(three.cli("verify", "--format", "json"))["findings"]}
    assert rules == {"applied_file_missing", "late_migration"}
    assert "file missing" in three.cli("status").stdout


def test_invalid_index_is_found_until_it_is_gone(three: Project) -> None:
    three.apply()
    three.execute("insert into t1 values (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        three.execute("create unique index concurrently broken on t1 (a)")
    verify = three.cli("verify")
    assert verify.returncode == 1
    assert "index is INVALID: broken" in verify.stdout
    three.execute("drop index broken")
    assert three.cli("verify").returncode == 0


def test_index_of_a_partitioned_table_without_its_parts_is_no_finding(three: Project) -> None:
    three.execute("create table p (a int) partition by range (a)")
    three.execute("create table p1 partition of p for values from (0) to (9)")
    three.execute("create index p_a on only p (a)")
    assert three.cli("verify").returncode == 0


def test_baseline_records_without_running_and_apply_goes_on(three: Project) -> None:
    three.execute("create table t1 (a int); create table t2 (a int)")
    result = baseline(three, to="20260102000000")
    assert [str(done.migration) for done in result.done] == ["main/20260101000000", "main/20260102000000"]
    three.apply()
    assert list(three.states().values()) == ["baseline", "baseline", "applied"]
    assert three.cli("verify").returncode == 0


def test_baseline_is_refused_over_a_ledger_unless_it_continues_it(three: Project) -> None:
    three.apply(to="20260101000000")
    with pytest.raises(DbkitError, match="already has a ledger"):
        baseline(three)
    with pytest.raises(DbkitError, match="already has a ledger"):
        baseline(three, to="20260101000000")
    baseline(three, to="20260103000000")
    assert list(three.states().values()) == ["applied", "baseline", "baseline"]


def test_baseline_of_a_foreign_folder_then_only_new_files_run(project: Project) -> None:
    project.write("1_a.sql", "create table a ();\n")
    project.execute("create table a ()")
    assert project.cli("baseline").returncode == 0
    project.write("2_b.sql", "create table b ();\n")
    assert [str(done.migration) for done in project.apply().done] == ["main/2_b"]


def test_ledger_of_a_newer_dbkit_is_refused(three: Project) -> None:
    three.apply()
    three.execute("update dbkit.ledger set version = 99")
    run = three.cli("apply")
    assert run.returncode == 2
    assert "error: the migration ledger was made by a newer dbkit" in run.stderr


def test_ledger_of_an_older_dbkit_is_upgraded(three: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    three.apply(to="20260101000000")
    monkeypatch.setattr(ledger, "_UPGRADES", {1: "alter table dbkit.migrations add column note text;"})
    monkeypatch.setattr(ledger, "LEDGER_VERSION", 2)
    three.apply()
    assert three.value("select version from dbkit.ledger") == 2
    assert three.value("select count(note) from dbkit.migrations") == 0


def test_schema_of_the_same_name_is_not_taken_for_a_ledger(three: Project) -> None:
    three.execute("create schema dbkit")
    with pytest.raises(DbkitError, match="schema dbkit exists but holds no migration ledger"):
        three.apply()


def test_ensure_takes_a_psycopg_connection_and_does_nothing_twice(project: Project) -> None:
    with project.connect() as connection:
        ledger.ensure(connection)
        ledger.ensure(connection)
        assert ledger.read(connection) == {}
        assert connection.execute("select 1").fetchone() == (1,)


def test_login_that_may_not_create_the_ledger(three: Project) -> None:
    login = f"plain_{three.database.name[-12:]}"
    three.execute(f'create role "{login}" login')
    try:
        conninfo = three.database.server.conninfo(three.database.name, user=login)
        with pytest.raises(DbkitError, match="cannot create the migration ledger") as caught:
            runner.apply(conninfo, three.config, migrations=three.folder)
        assert "grant create on database" in (caught.value.hint or "")
    finally:
        three.execute(f'drop role "{login}"')


def test_session_survives_what_the_lazy_driver_import_left_out(project: Project) -> None:
    """The command line imports only psycopg's libpq layer; the rest must still come when it is asked for."""
    import subprocess
    import sys

    script = (
        "import sys; from dbkit.migrate.session import load_pq; load_pq()\n"
        "assert 'psycopg.connection' not in sys.modules\n"
        "import psycopg; from psycopg import sql, errors; from psycopg.rows import dict_row\n"
        f"print(psycopg.connect({project.database.conninfo!r}).execute('select 1').fetchone())\n"
        "print(errors.UniqueViolation, sql.SQL, dict_row)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("(1,)")


def test_standby_is_refused_only_when_something_would_be_written(
    three: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Session.value

    def on_a_standby(self: Session, query: str) -> str | None:
        return "t" if "pg_is_in_recovery" in query else ask(self, query)

    monkeypatch.setattr(Session, "value", on_a_standby)
    with pytest.raises(DbkitError, match="read-only standby"):
        three.apply()
    assert len(runner.plan(three.database.conninfo, three.config, migrations=three.folder).pending) == 3

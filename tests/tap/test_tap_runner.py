"""Files over workers: what is shared, what is noticed, what goes through psql, what stops a run."""

from __future__ import annotations

import pytest
from tap_files import RunFiles, Write, assertions

from dbkit.tap.isolation import Isolation
from dbkit.tap.pgtap import find_source, install_pgtap
from dbkit.tap.result import FileResult


def messages(result: FileResult) -> str:
    return "\n".join(problem.message for problem in result.problems_and_plan)


def test_files_that_roll_back_share_a_session(run_files: RunFiles, write: Write) -> None:
    remember = write(
        "a.sql", assertions("ok(pg_backend_pid() > 0)").replace("ok(", "diag(pg_backend_pid()) || chr(10) || ok(")
    )
    first, second = run_files(remember, write("b.sql", remember.read_text()))
    assert first.passed and second.passed
    assert first.transcript.output == second.transcript.output


def test_a_session_is_new_for_each_file(run_files: RunFiles, write: Write) -> None:
    dirty = write(
        "a.sql",
        "begin;\nselect plan(1);\ncreate role dirty_role;\nset work_mem = '7MB';\nset role dirty_role;\nreset role;\n"
        "prepare left_over as select 1;\ncreate temp table left_over ();\nlisten left_over;\n"
        "select pg_advisory_lock(7), set_config('app.left_over', 'x', false);\nselect pass();\nrollback;\n",
    )
    clean = write(
        "b.sql",
        assertions(
            "isnt(current_setting('work_mem'), '7MB')",
            "is(current_user, session_user)",
            "is((select count(*) from pg_prepared_statements), 0::bigint)",
            "is(to_regclass('pg_temp.left_over'), null)",
            "is((select count(*) from pg_locks where locktype = 'advisory'), 0::bigint)",
            "is(current_setting('app.left_over', true), null, 'not even the empty string')",
            "hasnt_role('dirty_role')",
        ),
    )
    first, second = run_files(dirty, clean)
    assert first.passed, messages(first)
    assert second.passed, second.transcript.output


def test_a_file_that_commits_disturbs_nobody(run_files: RunFiles, write: Write) -> None:
    commits = write("a.sql", "create table kept (a int);\nselect plan(1);\nselect has_table('kept');\n")
    looks = assertions("hasnt_table('kept')")
    results = run_files(commits, write("b.sql", looks), write("c.sql", "select 1;\n" + looks.replace("begin;", "")))
    assert [result.passed for result in results] == [True, True, True], [messages(result) for result in results]
    assert [result.isolation for result in results] == [Isolation.DATABASE, Isolation.TRANSACTION, Isolation.DATABASE]


def test_a_file_that_makes_roles_gets_a_server(run_files: RunFiles, write: Write) -> None:
    makes = write("a.sql", "create role made_here;\nselect plan(1);\nselect has_role('made_here');\n")
    first, second = run_files(makes, write("b.sql", assertions("hasnt_role('made_here')")))
    assert first.isolation is Isolation.SERVER
    assert first.passed and second.passed


@pytest.mark.parametrize(
    ("does", "left"),
    [
        ("create table left_here (a int);", "new table public.left_here"),
        ("create table left_here (a int); insert into left_here values (1);", "new table public.left_here"),
        ("create function left_here() returns int language sql return 1;", "+1 rows in pg_proc"),
    ],
)
def test_the_culprit_is_named(run_files: RunFiles, write: Write, does: str, left: str) -> None:
    culprit = write("a.sql", f"-- dbkit: isolation=transaction\n{does}\n" + assertions("pass()"))
    innocent = write("b.sql", assertions("hasnt_table('left_here')", "hasnt_function('left_here')"))
    first, second = run_files(culprit, innocent)
    assert not first.passed
    assert left in messages(first)
    assert second.passed, second.transcript.output


def test_analyze_leaves_nothing_worth_naming(run_files: RunFiles, write: Write) -> None:
    path = write("a.sql", assertions("pass()").replace("begin;", "begin; analyze pg_class; analyze pg_proc;"))
    (result,) = run_files(path)
    assert result.passed, messages(result)


def test_psql_runs_what_only_psql_can(run_files: RunFiles, write: Write) -> None:
    path = write("a.sql", "\\! echo '# from the shell'\n" + assertions("pass('one')", "ok(false, 'two')"))
    (result,) = run_files(path)
    assert (result.transcript.engine, result.transcript.note) == ("psql", "\\!")
    assert "# from the shell" in result.transcript.output
    assert [assertion.passed for assertion in result.tap.assertions] == [True, False]
    assert result.tap.failed[0].place is not None and result.tap.failed[0].place.line == 5


def test_engine_native_refuses_what_only_psql_can(run_files: RunFiles, write: Write) -> None:
    (result,) = run_files(write("a.sql", "\\! true\n" + assertions("pass()")), engine="native")
    assert not result.passed
    assert "needs psql" in messages(result)


def test_engine_psql_gives_the_same_output(run_files: RunFiles, write: Write) -> None:
    path = write("a.sql", assertions("is(1, 2, 'no')", "pass('yes')"))
    (native,), (psql,) = run_files(path), run_files(path, engine="psql")
    assert psql.transcript.engine == "psql"
    assert native.transcript.output == psql.transcript.output


def test_an_error_through_psql_has_its_place(run_files: RunFiles, write: Write) -> None:
    path = write("a.sql", "\\! true\nbegin;\nselect plan(1);\nselect 1/0;\nrollback;\n")
    (result,) = run_files(path)
    assert "division by zero" in messages(result)
    assert result.problems[0].place is not None and result.problems[0].place.line == 4
    assert result.transcript.exit_code == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("begin; select 1; rollback;", "the file printed no TAP"),
        (assertions("pass()", plan=2), "planned 2 tests but ran 1"),
        (assertions("pass()", "pass()", plan=1), "planned 1 tests but ran 2"),
        ("begin; select plan(1); select pass(); select 1/0; rollback;", "died: ERROR:  division by zero"),
        ("begin; select 'ok 1'; rollback;", "no plan"),
        (
            "begin; select plan(1); select pass(); select pg_terminate_backend(pg_backend_pid()); rollback;",
            "died: FATAL",
        ),
    ],
)
def test_a_broken_file_is_red(run_files: RunFiles, write: Write, text: str, problem: str) -> None:
    broken, fine = run_files(write("a.sql", text), write("b.sql", assertions("pass()")))
    assert not broken.passed
    assert problem in messages(broken)
    assert fine.passed


def test_a_bail_out_stops_the_run(run_files: RunFiles, write: Write) -> None:
    bails = write("a.sql", "begin; select 'Bail out! no fixture'; rollback;")
    results = run_files(bails, write("b.sql", assertions("pass()")))
    assert [result.tap.bailout for result in results] == ["no fixture"]


def test_stop_at_first(run_files: RunFiles, write: Write) -> None:
    files = [
        write("a.sql", assertions("pass()")),
        write("b.sql", assertions("fail()")),
        write("c.sql", assertions("pass()")),
    ]
    assert len(run_files(*files)) == 3
    assert len(run_files(*files, stop_at_first=True)) == 2


def test_workers_run_at_the_same_time(run_files: RunFiles, write: Write) -> None:
    # each file waits until it sees the other one, and then until it has been seen
    meets = (
        "begin;\nselect plan(1);\nset application_name = 'here';\ndo $$ begin\n"
        "for n in 1..6000 loop\n"
        "  perform pg_stat_clear_snapshot();\n"
        "  if (select count(*) from pg_stat_activity where application_name in ('here', 'met')) > 1 then\n"
        "    set application_name = 'met';\n"
        "  end if;\n"
        "  perform pg_stat_clear_snapshot();\n"
        "  exit when not exists (select from pg_stat_activity where application_name = 'here');\n"
        "  perform pg_sleep(0.01);\n"
        "end loop; end $$;\n"
        "select is(current_setting('application_name'), 'met');\nrollback;\n"
    )
    results = run_files(write("a.sql", meets), write("b.sql", meets), jobs=2)
    assert all(result.passed for result in results), [result.transcript.output for result in results]


def test_results_come_in_the_order_of_the_files(run_files: RunFiles, write: Write) -> None:
    paths = [write(f"{number}.sql", assertions(f"pass('{number}')")) for number in range(9)]
    results = run_files(*paths, jobs=3)
    assert [result.tap.assertions[0].description for result in results] == [str(number) for number in range(9)]


def test_a_file_may_load_pgtap_itself(run_files: RunFiles, write: Write) -> None:
    bundled = find_source() or install_pgtap()
    # without "or replace" the functions must not be there
    write("pgtap.sql", bundled.path.read_text().replace("CREATE OR REPLACE FUNCTION", "CREATE FUNCTION"))
    path = write("a.sql", assertions("pass()").replace("begin;", "begin;\n\\ir pgtap.sql"))
    other = write("b.sql", "\\! true\n" + path.read_text())
    results = run_files(path, other, write("c.sql", assertions("pass()")))
    assert [result.passed for result in results] == [True, True, True], [messages(result) for result in results]
    assert results[1].transcript.engine == "psql"


@pytest.mark.parametrize(
    ("statements", "passed"),
    [
        ("select 1; -- a comment at the end\nselect pass() -- and here\n;", True),
        ("select pass();\nselect 1/0;\nselect fail('never run');", False),
        ("select pass();\nselect syntax error;", False),
        ("create table r (a int); create rule twice as on insert to r do also select 'x'; insert into r values (1);"
         " select pass();", True),
        ("\\set ON_ERROR_STOP off\nselect 1/0;\nrollback; begin; select plan(1); select pass();", False),
        ("select 1 as a\\; select pass();", True),
        ("insert into pg_temp.t select 1; \\echo :ROW_COUNT\nselect is(:ROW_COUNT, 1);", True),
    ],
)  # fmt: skip
def test_statements_sent_together_mean_what_they_mean_alone(
    run_files: RunFiles, write: Write, statements: str, passed: bool
) -> None:
    text = f"begin;\ncreate temp table t (a int);\nselect plan(1);\n{statements}\nselect * from finish();\nrollback;\n"
    path = write("a.sql", text)
    (native,), (psql,) = run_files(path), run_files(path, engine="psql")
    assert native.transcript.output == psql.transcript.output
    assert native.transcript.exit_code == psql.transcript.exit_code
    assert native.passed is psql.passed is passed


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("begin; select 'not TAP'; rollback; begin; select plan(1); select pass(); rollback;", True),
        ("begin; begin; select plan(1); select pass(); rollback; rollback;", True),
        ("start transaction isolation level serializable read only; select plan(1);", False),  # makes its tables
        ("start transaction isolation level serializable; select plan(1);"
         " select is(current_setting('transaction_isolation'), 'serializable'); abort work;", True),
        ("begin; select 'not TAP'; rollback and chain; select plan(1); select pass(); rollback transaction;", True),
        ("begin; select plan(1); \\echo # between\nselect pass(); rollback; \\echo # after", True),
        ("begin; select plan(1); select pass();", True),
        ("begin; savepoint a; select 1/1; rollback to a; select plan(1); select pass(); rollback;", True),
        ("begin; select plan(1); select pass(); rollback; begin; select 1/0; rollback;", False),
        ("begin; create temp table t (a int); rollback; begin; select plan(1); select pass(count(*)::text) from t;"
         " rollback;", False),
    ],
)  # fmt: skip
def test_a_transaction_sent_as_one_means_what_it_means_alone(
    run_files: RunFiles, write: Write, text: str, passed: bool
) -> None:
    path = write("a.sql", text)
    (native,), (psql,) = run_files(path), run_files(path, engine="psql")
    assert native.isolation is Isolation.TRANSACTION
    assert native.transcript.output == psql.transcript.output
    assert native.transcript.exit_code == psql.transcript.exit_code
    assert native.passed is psql.passed is passed

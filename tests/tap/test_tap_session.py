"""The session that files share: warm for speed, new for each file, and its database watched for what was committed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from tap_files import RunFiles, Write, assertions

from dbkit.config import Config
from dbkit.postgres import Database
from dbkit.tap import session
from dbkit.tap.collect import collect
from dbkit.tap.databases import Source, named_database
from dbkit.tap.isolation import LIVE_ROWS
from dbkit.tap.psql_process import find_psql
from dbkit.tap.result import FileResult
from dbkit.tap.runner import run


def in_place(database: Database, *paths: Path) -> list[FileResult]:
    config = Config(root=paths[0].parent)
    with named_database(config, database.conninfo, []) as source:
        return run(collect(paths, config), source, jobs=1)


def messages(result: FileResult) -> str:
    return "\n".join(problem.message for problem in result.problems_and_plan)


def test_temporary_tables_keep_their_schema_from_file_to_file(run_files: RunFiles, write: Write) -> None:
    shows = assertions("ok(pg_my_temp_schema() <> 0, pg_my_temp_schema()::text)")
    first, second = run_files(write("a.sql", shows), write("b.sql", shows))
    assert first.passed and second.passed
    assert first.transcript.output == second.transcript.output


def test_the_warm_up_does_not_set_off_event_triggers(pgtap_db: Database, write: Write) -> None:
    with psycopg.connect(pgtap_db.conninfo, autocommit=True) as connection:
        connection.execute(
            """create table audit (tag text);
            create function note() returns event_trigger language plpgsql as
                'begin insert into public.audit values (tg_tag); end';
            create event trigger noted on ddl_command_end execute function note()"""
        )
        (result,) = in_place(pgtap_db, write("a.sql", assertions("pass()")))
        assert result.passed, messages(result)
        assert connection.execute("select count(*) from audit").fetchone() == (0,)


@pytest.mark.parametrize("sets", ["'x'", "set_config('app.tenant', 'x', false)"], ids=["reset", "replaced"])
def test_a_session_in_place_is_new_for_each_file(pgtap_db: Database, write: Write, sets: str) -> None:
    with psycopg.connect(pgtap_db.conninfo, autocommit=True) as connection:
        # read by the schema, so that a session in which it was touched is replaced
        connection.execute(
            "create function tenant() returns text language sql return current_setting('app.tenant', true)"
        )
    dirty = write(
        "a.sql",
        "set work_mem = '7MB';\nlisten left_over;\nbegin;\nselect plan(1);\nprepare left_over as select 1;\n"
        f"select pg_advisory_lock(7), {sets};\nselect pass();\nrollback;\n",
    )
    clean = write(
        "b.sql",
        assertions(
            "isnt(current_setting('work_mem'), '7MB')",
            "is((select count(*) from pg_listening_channels()), 0::bigint)",
            "is((select count(*) from pg_prepared_statements), 0::bigint)",
            "is((select count(*) from pg_locks where locktype = 'advisory'), 0::bigint)",
            "is(tenant(), null, 'not even the empty string')",
        ),
    )
    first, second = in_place(pgtap_db, dirty, clean)
    assert first.passed, messages(first)
    assert second.passed, second.transcript.output


def test_files_that_roll_back_cost_no_scan(run_files: RunFiles, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = session.Session._row

    def spy(self: session.Session, sql: str) -> Any:
        asked.append(sql)
        return ask(self, sql)

    monkeypatch.setattr(session.Session, "_row", spy)
    text = assertions("pass()").replace("begin;", "begin; create table t (a int); insert into t values (1);")
    run_files(*(write(f"{name}.sql", text) for name in "abc"))
    assert asked.count(LIVE_ROWS) == 1  # what there was before the first
    asked.clear()
    outside = write("d.sql", "set work_mem = '1MB';\n" + text)
    run_files(outside, write("e.sql", text))
    assert asked.count(LIVE_ROWS) == 2


@pytest.mark.parametrize(
    "text",
    ["{commits}{rolls_back}", "begin;\nrollback;\n{commits}{rolls_back}", "{rolls_back}{commits}"],
    ids=["before", "between", "after"],
)
def test_what_a_function_commits_is_named(run_files: RunFiles, write: Write, text: str) -> None:
    """Its command tag says nothing of what it wrote, and the transactions around it must not take it back."""
    text = text.format(commits="select 1 from lo_create(77);\n", rolls_back=assertions("pass()"))
    innocent = write("b.sql", assertions("is((select count(*) from pg_largeobject_metadata), 0::bigint)"))
    first, second = run_files(write("a.sql", "-- dbkit: isolation=transaction\n" + text), innocent)
    assert "+1 rows in pg_largeobject_metadata" in messages(first)
    assert second.passed, second.transcript.output


def test_what_is_committed_and_taken_back_is_no_reproach(run_files: RunFiles, write: Write) -> None:
    path = write("a.sql", "-- dbkit: isolation=transaction\ncreate table t ();\ndrop table t;\n" + assertions("pass()"))
    (result,) = run_files(path)
    assert result.transcript.committed
    assert result.passed, messages(result)


@pytest.mark.parametrize(
    ("sql", "left"),
    [("create table left_here (a int)", "new table public.left_here"), ("select 1", None)],
    ids=["writes", "reads"],
)
def test_what_another_session_commits_is_named(
    source: Source, run_files: RunFiles, write: Write, sql: str, left: str | None
) -> None:
    """The file rolls back; what it had another session commit, as with dblink, stays."""
    psql = find_psql(source.bin_dir)
    text = assertions("pass()").replace(
        "begin;",
        "begin;\n"
        "do $do$ begin execute format('copy (select 1) to program %L', format('%s -X -q -h %s -p %s -U %s -d %s -c %L',"
        f" '{psql}', current_setting('unix_socket_directories'), current_setting('port'), session_user,"
        f" current_database(), '{sql}')); end $do$;",
    )
    first, second = run_files(write("a.sql", text), write("b.sql", assertions("hasnt_table('left_here')")))
    assert first.passed is (left is None), messages(first) + first.transcript.output
    assert left is None or left in messages(first)
    assert second.passed, second.transcript.output

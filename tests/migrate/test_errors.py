"""What a user reads when a migration fails: file, line, caret, SQLSTATE, statement, and what was left undone."""

from __future__ import annotations

import pytest
from migration_project import Project

from dbkit.errors import DbkitError


def failure_of(project: Project) -> DbkitError:
    with pytest.raises(DbkitError) as caught:
        project.apply()
    return caught.value


@pytest.mark.parametrize("options", ["", "transaction:false"])
def test_syntax_error_has_line_column_and_caret(project: Project, options: str) -> None:
    project.native("20260101", "create_table_a", "create table a (n int);\n\ncreate tabel b ();", None, options=options)
    error = failure_of(project)
    assert 'failed: syntax error at or near "tabel" (42601)' in error.message
    detail = (error.detail or "").splitlines()
    assert detail[0].endswith("20260101000000_create_table_a.sql:11:8")
    assert detail[1] == "   11 | create tabel b ();"
    assert detail[2] == "      |        ^"


@pytest.mark.parametrize(
    "text", ["select 'open;\n", 'select "open;\n', "select $$open;\n", "select 1; /* open\n", "select (1;\n"]
)
def test_what_is_left_open_is_placed_in_the_file(project: Project, text: str) -> None:
    project.write("1.sql", "create table a ();\n" + text)
    error = failure_of(project)
    assert "(42601)" in error.message
    assert "1.sql:2" in (error.detail or "")
    assert project.states() == {}


def test_position_counts_characters_not_bytes(project: Project) -> None:
    project.write("1.sql", "select 'é€😀', nothing_here;\n")
    detail = failure_of(project).detail or ""
    assert "1.sql:1:15" in detail


def test_runtime_error_shows_the_failing_statement(project: Project) -> None:
    project.write(
        "1.sql",
        "create table a (n int check (n > 0));\n-- a comment; with a semicolon\n"
        "insert into a\nvalues (1),\n       (-1);\nselect 1;\n",
    )
    error = failure_of(project)
    assert "(23514)" in error.message
    detail = error.detail or ""
    assert "1.sql:3\n    3 | insert into a\n    4 | values (1),\n    5 |        (-1)" in detail
    assert "Failing row contains (…)" in detail


def test_error_in_a_function_body_points_into_the_file(project: Project) -> None:
    project.write(
        "1.sql", "select 1;\ncreate function f() returns int language sql as $$\n    select missing_column;\n$$;\n"
    )
    assert "1.sql:3:12" in (failure_of(project).detail or "")


def test_error_inside_a_called_function_has_its_context(project: Project) -> None:
    project.write("1.sql", "do $$\nbegin\n    perform 1 / 0;\nend\n$$;\n")
    detail = failure_of(project).detail or ""
    assert "1.sql:1\n" in detail
    assert "PL/pgSQL function inline_code_block line 3" in detail


def test_deferred_constraint_at_commit_is_not_blamed_on_a_statement(project: Project) -> None:
    project.write(
        "1.sql",
        "create table a (n int primary key, b int references a (n) deferrable initially deferred);\n"
        "insert into a values (1, 2);\n",
    )
    error = failure_of(project)
    assert "(23503)" in error.message
    assert "at commit" in (error.detail or "")
    assert "(b)=(…)" in (error.detail or "")
    assert project.states() == {}


def test_server_hint_is_passed_on(project: Project) -> None:
    project.write("1.sql", "create table a (name text);\nselect nam from a;\n")
    assert 'Perhaps you meant to reference the column "a.name".' in (failure_of(project).hint or "")


def test_values_of_rows_are_not_repeated(project: Project) -> None:
    project.write(
        "1.sql",
        "create table a (email text primary key);\ninsert into a values ('ann@north.test'), ('ann@north.test');\n",
    )
    error = failure_of(project)
    assert "Key (email)=(…) already exists." in (error.detail or "")
    # The statement shown is the file's own text, so only what the server added is withheld.
    assert "(email)=(ann" not in str(error)


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"select 1;\nselect '\xff';\n", "file is not UTF-8", 2),
        (b"select 1;\n\nselect '\0';\n", "file holds a NUL byte", 3),
        (b"select 1;\n\\! rm -rf /\n", "migration holds a psql command", 2),
    ],
)
def test_unreadable_files_name_their_line(project: Project, content: bytes, message: str, line: int) -> None:
    (project.folder / "1.sql").write_bytes(content)
    error = failure_of(project)
    assert error.message == message
    assert f"1.sql:{line}:" in (error.detail or "")


def test_byte_order_mark_and_windows_line_ends_are_permitted(project: Project) -> None:
    (project.folder / "1.sql").write_bytes("﻿create table a ();\r\nselect missing;\r\n".encode())
    assert "1.sql:2:8" in (failure_of(project).detail or "")
    (project.folder / "1.sql").write_bytes("﻿create table a ();\r\nselect 1;\r\n".encode())
    assert len(project.apply().done) == 1


def test_empty_file_is_permitted(project: Project) -> None:
    project.write("1.sql", "-- nothing yet\n")
    project.write("2.sql", "")
    assert len(project.apply().done) == 2


def test_copy_without_rows_in_the_file(project: Project) -> None:
    project.write("1.sql", "create table a (n int);\ncopy a from stdin;\n")
    assert "the rows of this COPY do not stand in the file (57014)" in failure_of(project).message
    assert project.states() == {}
    project.write("1.sql", "create table a (n int);\ncopy a from stdin;\n1\n\\.\n")
    project.apply()
    assert project.rows("select n from a") == [(1,)]


def test_warnings_of_the_server_are_shown(project: Project) -> None:
    project.write("1.sql", "do $$ begin raise warning 'twelve rows were skipped'; end $$;\n")
    project.apply()
    assert "main/1: warning: twelve rows were skipped" in project.notes


def test_no_traceback_on_the_command_line(project: Project) -> None:
    project.write("1.sql", "slect 1;\n")
    run = project.cli("apply")
    assert run.returncode == 2
    assert run.stderr.startswith("error: migration main/1 failed")
    assert "\ndetail: " in run.stderr and "\nhint: " in run.stderr
    assert "Traceback" not in run.stderr

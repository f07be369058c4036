"""The splitter cuts where psql cuts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbkit.sqltext import code_frame, position, split


def texts(sql: str, *, psql: bool = False) -> list[str]:
    return [statement.text for statement in split(sql, psql=psql)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("", []),
        ("-- nothing; here\n/* nor; here /* nested; */ */ ;;", []),
        ("select 1; select 2", ["select 1", "select 2"]),
        ("select ';'; select \";\"", ["select ';'", 'select ";"']),
        (r"select E'it\'s; one'; select 2", [r"select E'it\'s; one'", "select 2"]),
        ("select 'it''s; one'; select 2", ["select 'it''s; one'", "select 2"]),
        (r"select 'back\'; select 2", [r"select 'back\'", "select 2"]),
        ("select $$a;b$$; select $x$ $$ ; $x$; 1", ["select $$a;b$$", "select $x$ $$ ; $x$", "1"]),
        ("select a$b$c; select 2", ["select a$b$c", "select 2"]),
        ("select $1; select $2", ["select $1", "select $2"]),
        (
            "create rule r as on insert to t do (select 1; select 2); select 3",
            ["create rule r as on insert to t do (select 1; select 2)", "select 3"],
        ),
        ("select 1 -- tail; comment\n; select 2", ["select 1 -- tail; comment", "select 2"]),
        ("select 1 /* open; select 2", ["select 1 /* open; select 2"]),
        ("select 'open; select 2", ["select 'open; select 2"]),
        ("select U&'d\\0061t;a'; select 2", ["select U&'d\\0061t;a'", "select 2"]),
        ("select 'é€😀;'; select 2", ["select 'é€😀;'", "select 2"]),
    ],
)
def test_semicolons(sql: str, expected: list[str]) -> None:
    assert texts(sql) == expected


def test_begin_atomic_body_is_one_statement() -> None:
    body = """create or replace function f(a int) returns int language sql
    begin atomic
        select case when a > 1 then 2 else 3 end;
        select a;
    end"""
    assert texts(f"{body}; select 1;") == [body, "select 1"]


def test_begin_elsewhere_still_ends_at_its_semicolon() -> None:
    assert texts("begin; select 1; end;") == ["begin", "select 1", "end"]
    assert texts("create function f() returns int language sql as $$select 1$$; begin; commit") == [
        "create function f() returns int language sql as $$select 1$$",
        "begin",
        "commit",
    ]


def test_places_count_characters_from_one() -> None:
    first, second = split("-- é\n  select 'é';\n\n\tselect 2;")
    assert (first.line, first.column) == (2, 3)
    assert (second.line, second.column) == (4, 2)
    assert position("ab\ncd", 4) == (2, 2)


def test_unterminated_last_statement_is_marked() -> None:
    assert [s.terminated for s in split("select 1; select 2")] == [True, False]


def test_meta_commands_only_with_psql() -> None:
    sql = "\\set x 1\nselect :x;\n\\echo done; not sql\nselect 2 \\gset\nselect 3;"
    kinds = [(s.kind, s.text) for s in split(sql, psql=True)]
    assert kinds == [
        ("meta", "\\set x 1"),
        ("sql", "select :x"),
        ("meta", "\\echo done; not sql"),
        ("sql", "select 2"),
        ("meta", "\\gset"),
        ("sql", "select 3"),
    ]
    assert all(s.kind == "sql" for s in split(sql))


def test_meta_command_inside_a_statement_leaves_it_whole() -> None:
    statements = split("select 1,\n\\echo hi\n 2;", psql=True)
    assert [s.kind for s in statements] == ["meta", "sql"]
    assert statements[1].text.split() == ["select", "1,", "2"]


def test_two_meta_commands_on_a_line() -> None:
    assert [s.text for s in split("\\set a 1 \\\\ \\set b 2\n", psql=True)] == ["\\set a 1", "\\set b 2"]


def test_copy_data_belongs_to_its_statement() -> None:
    first, second = split("copy t from stdin;\na;b\n'\n\\.\nselect 1;", psql=True)
    assert first.data == "a;b\n'\n"
    assert (second.text, second.line) == ("select 1", 5)


def test_copy_data_belongs_to_its_psql_command() -> None:
    first, second = split("\\copy t from stdin with csv\na;b\n'\n\\.\nselect 1;", psql=True)
    assert (first.kind, first.data) == ("meta", "a;b\n'\n")
    assert (second.text, second.line) == ("select 1", 5)
    assert [s.data for s in split("\\copy t from 'file'\nselect 1;", psql=True)] == [None, None]


def test_code_frame_puts_the_caret_under_the_column() -> None:
    assert code_frame("a\n\tbcd", 2, 3) == "    2 |  bcd\n      |   ^"


@given(st.text(alphabet="ab;'\"$()\\\n -/*E", max_size=60), st.booleans())
def test_every_text_splits_and_statements_stand_where_they_say(sql: str, psql: bool) -> None:
    for statement in split(sql, psql=psql):
        assert position(sql, statement.offset) == (statement.line, statement.column)
        assert sql[statement.offset] == statement.text[0]

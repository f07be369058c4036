"""Trees with places: files the parser takes whole, files it refuses, bodies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbkit.parse import Script, bodies, embedded_statements, parse


def tags(script: Script) -> list[str]:
    return [statement.tag for statement in script.statements]


def test_statements_have_places_in_characters() -> None:
    text = "-- é first\n\n  select 'ü';\n/* ö */ create table app.t (\n    ä integer\n);\n"
    script = parse(text)
    select, create = script.statements
    assert script.position(select.start) == (3, 3)
    assert select.text == "select 'ü'"
    assert create.text.startswith("create table app.t (") and create.text.endswith(")")
    column = create.node["tableElts"][0]["ColumnDef"]
    assert script.position(create.offset(column)) == (5, 5)
    assert text[create.offset(column)] == "ä"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("select 1 frm x y;", (1, 14), 'syntax error at or near "x"'),
        ("-- ééé\nselect 1 frm x y;", (2, 14), 'syntax error at or near "x"'),
        ("select 'é', 1 frm x y", (1, 19), 'syntax error at or near "x"'),
        ("create table app.t (\n    id bigint,\n", (2, 15), "syntax error at end of input"),
        ("select 'never closed", (1, 8), 'unterminated quoted string at or near "\'never closed"'),
        ("select 1\x00", (1, 9), "null byte in SQL text"),
    ],
)
def test_a_problem_has_its_exact_place(text: str, place: tuple[int, int], message: str) -> None:
    script = parse(text)
    assert [problem.message for problem in script.problems] == [message]
    assert script.position(script.problems[0].offset) == place


def test_a_broken_statement_costs_only_itself() -> None:
    script = parse("create table a (x int);\nselec 1;\ncreate table b (y int);\n")
    assert tags(script) == ["CreateStmt", "CreateStmt"]
    assert script.position(script.statements[1].offset(script.statements[1].node["relation"])) == (3, 14)
    assert len(script.problems) == 1


def test_psql_files_parse() -> None:
    script = parse(
        "\\set n 5\nselect :n, :'n', :\"n\", x::text, a[1:2] from t \\gset\n"
        "copy t from stdin;\nselec;\n\\.\nselect ${n};\n"
    )
    assert not script.problems
    assert tags(script) == ["psql", "SelectStmt", "psql", "CopyStmt", "SelectStmt"]


def test_what_only_psql_knows_is_no_syntax_error() -> None:
    script = parse("\\set go 'select 1'\n:go;\nselect 1 \\; select 2;\nselect 3;\n")
    assert (tags(script), script.problems) == (["psql", "psql", *["SelectStmt"] * 3], [])
    # The twin: a joint does not make SQL of what is none.
    assert [problem.offset for problem in parse("select 1 \\; selec 2;").problems] == [9]


def test_plpgsql_bodies_give_their_statements() -> None:
    text = """create function app.f(p app.t) returns app.t language plpgsql as $fn$
declare
    v_row app.t;
    v_n   integer := current_setting('a.b')::integer;
begin
    if p is null then
        raise exception 'no';
    elsif exists (select from app.x) then
        update app.t set y = 1 where z = v_n;
    end if;
    for v_row in select * from app.t loop
        perform app.g(v_row.x);
    end loop;
    select x, y into v_row, v_n from app.t;
    execute format('drop table %I', v_n) using p;
    return query select 1;
exception
    when others then
        return null;
end
$fn$;"""
    (body,) = bodies(parse(text).statements[0])
    found = list(embedded_statements(body))
    assert body.language == "plpgsql" and not body.immediate
    assert [(item.tag, body.statement.script.position(item.start)) for item in found] == [
        ("SelectStmt", (4, 22)),
        ("SelectStmt", (6, 8)),
        ("SelectStmt", (8, 11)),
        ("UpdateStmt", (9, 9)),
        ("SelectStmt", (11, 18)),
        ("SelectStmt", (12, 17)),
        ("SelectStmt", (14, 5)),
        ("SelectStmt", (15, 13)),
        ("SelectStmt", (16, 18)),
        ("SelectStmt", (18, 10)),
        ("SelectStmt", (19, 16)),
    ]
    assert found[3].text == "update app.t set y = 1 where z = v_n"


def test_do_blocks_are_immediate_and_c_functions_have_no_body() -> None:
    script = parse(
        "do language plpgsql 'begin create role x; end'; create function f() returns int language c as 'm', 'f';"
    )
    do, function = script.statements
    (body,) = bodies(do)
    assert body.immediate and [item.tag for item in embedded_statements(body)] == ["CreateRoleStmt"]
    assert list(bodies(function)) == []


# fmt: off
_WORDS = st.sampled_from([
    "select", "create", "table", "policy", "function", "on", "app.t", "(", ")", ";", "'", '"', "$$", "$fn$", "--", "/*",
    "*/", "begin", "end", ":x", "::text", "${v}", "\\set", "\\.", "copy", "from", "stdin", "do", "language", "plpgsql",
    "as", "is", "not", "null", "é", "\n", "\x00", "1", "1.", ",", "current_setting('a.b')",
])
# fmt: on


@given(st.lists(_WORDS, max_size=40).map(" ".join) | st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_parses_or_names_a_place_inside_it(text: str) -> None:
    script = parse(text)
    for problem in script.problems:
        assert 0 <= problem.offset <= len(text)
        line, column = script.position(problem.offset)
        assert line >= 1 and column >= 1
    for statement in script.statements:
        assert 0 <= statement.start <= statement.end <= len(text)
        for body in bodies(statement):
            list(embedded_statements(body))

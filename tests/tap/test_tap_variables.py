"""psql's variables: references in SQL and in commands, and the values that psql refuses."""

from __future__ import annotations

import pytest

from dbkit.tap.psql_variables import NeedsPsql, PsqlError, Variables, arguments, interpolate, parse_bool


def quote(form: str, value: str) -> str:
    return f"'{value}'" if form == "literal" else f'"{value}"'


def with_values(**values: str) -> Variables:
    return Variables(values)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select :x", "select 1"),
        ("select :'x', :\"x\"", "select '1', \"1\""),
        ("select :{?x}, :{?y}", "select TRUE, FALSE"),
        ("select :y", "select :y"),
        ("select ':x', \":x\", E'\\':x', $$:x$$, $a$ :x $a$", "select ':x', \":x\", E'\\':x', $$:x$$, $a$ :x $a$"),
        ("select 1 -- :x\n, /* :x /* :x */ :x */ :x", "select 1 -- :x\n, /* :x /* :x */ :x */ 1"),
        ("select a::x, b:=:x, c[1::x]", "select a::x, b:=1, c[1::x]"),
        ("select c[2:x]", "select c[21]"),
        ("select a$b:x", "select a$b1"),
    ],
)
def test_interpolation(sql: str, expected: str) -> None:
    assert interpolate(sql, with_values(x="1"), quote) == expected


@pytest.mark.parametrize(
    ("text", "words", "rest"),
    [
        (" a b", ["a", "b"], ""),
        (" 'a b' c''d", ["a b", "cd"], ""),
        (r" 'it''s \n \x41 \101'", ["it's \n A A"], ""),
        (' "a b"', ['"a b"'], ""),
        (" :x :'x' ':x' :y", ["1", "'1'", ":x", ":y"], ""),
        (" a:x", ["a1"], ""),
        (r" x 1 \echo next", ["x", "1"], r"\echo next"),
    ],
)
def test_words_of_a_command(text: str, words: list[str], rest: str) -> None:
    assert arguments(text, with_values(x="1"), quote) == (words, rest)


@pytest.mark.parametrize("text", [" 'open", ' "open'])
def test_open_quotes_are_an_error(text: str) -> None:
    with pytest.raises(PsqlError, match="unterminated"):
        arguments(text, Variables(), quote)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("on", True), ("TRUE", True), ("t", True), ("y", True), ("1", True), ("off", False), ("of", False), ("0", False),
     ("f", False), ("no", False), ("o", None), ("", None), ("2", None), ("maybe", None), (None, None)],
)  # fmt: skip
def test_booleans(text: str | None, meaning: bool | None) -> None:
    assert parse_bool(text) is meaning


def test_switches_steer_and_refuse() -> None:
    variables = Variables()
    assert variables.error_stop
    variables.set("ON_ERROR_STOP", "off")
    assert not variables.error_stop
    variables.set("ON_ERROR_STOP", "")  # `\set ON_ERROR_STOP` alone
    assert variables.error_stop
    variables.unset("ON_ERROR_STOP")
    assert not variables.error_stop
    variables.set("ON_ERROR_ROLLBACK", "interactive")
    assert not variables.error_rollback
    variables.set("ON_ERROR_ROLLBACK", "1")
    assert variables.error_rollback
    with pytest.raises(PsqlError, match="Boolean expected"):
        variables.set("ON_ERROR_STOP", "perhaps")
    with pytest.raises(PsqlError, match="invalid variable name"):
        variables.set("a-b", "1")
    with pytest.raises(NeedsPsql):
        variables.set("ECHO", "queries")

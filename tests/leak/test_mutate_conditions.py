"""Conditions are found by tokens: which operands there are, what joins them, and what is no condition."""

from __future__ import annotations

import pytest

from dbkit.leak.mutate.conditions import calls, guards, operands, replaced

CASES = {
    "one operand": ("select 1 from t where a = 1 order by b", [("a = 1", "")]),
    "and": ("select 1 from t where a = 1 and b = f(2) group by c", [("a = 1", "and"), ("b = f(2)", "and")]),
    "or": ("select 1 from t where a = 1 or b = 2", [("a = 1", "or"), ("b = 2", "or")]),
    "between": ("delete from t where a between 1 and 2 and b = 3", [("a between 1 and 2", "and"), ("b = 3", "and")]),
    "case": (
        "select 1 from t where case when a and b then c else d end and e",
        [("case when a and b then c else d end", "and"), ("e", "and")],
    ),
    "join": (
        "select 1 from t join u on t.id = u.id and t.x = u.x where u.a is null",
        [("t.id = u.id", "and"), ("t.x = u.x", "and"), ("u.a is null", "")],
    ),
    "parenthesis joined by and": (
        "select 1 from t where ((a = 1) and (b = 2))",
        [("(a = 1)", "and"), ("(b = 2)", "and")],
    ),
    "sub-select": (
        "select 1 from t where exists (select from u where u.a = t.a) and t.b",
        [("exists (select from u where u.a = t.a)", "and"), ("t.b", "and"), ("u.a = t.a", "")],
    ),
    "no condition": ("insert into t values (1) on conflict (a) do nothing", []),
    "before an upsert": ("insert into t select 1 where a = 2 on conflict (b) do nothing", [("a = 2", "")]),
    "of an upsert": ("insert into t values (1) on conflict (a) do update set b = 1 where t.c = 2", [("t.c = 2", "")]),
    "comment": ("select 1 from t where a = 1 -- and b = 2\n and c = 3", [("a = 1", "and"), ("c = 3", "and")]),
    "if": ("begin if a and not b then return 1; end if; end", [("a", "and"), ("not b", "and")]),
    "left is a function, too": ("select 1 from t where left(a, 2) = b", [("left(a, 2) = b", "")]),
}


@pytest.mark.parametrize("name", CASES)
def test_operands(name: str) -> None:
    text, expected = CASES[name]
    found = list(operands(text))
    assert [(operand.text, operand.joined) for operand in found] == expected
    for operand in found:
        assert text[operand.start : operand.end] == operand.text
        assert "true" in replaced(text, operand.start, operand.end, "true")


@pytest.mark.parametrize(
    ("text", "narrows"),
    [
        ("select 1 from t where not exists (select from u where u.a = t.a)", True),
        ("select 1 from t where t.a not in (select a from u where u.b = 1)", True),
        ("select 1 from t where exists (select from u where u.a = t.a)", False),
        ("begin if not exists (select from u where u.a = 1) then raise exception 'no'; end if; end", False),
        (
            "begin if x then return; end if; return query select 1 from t where not exists (select where a); end",
            True,
        ),
    ],
)
def test_what_only_narrows(text: str, narrows: bool) -> None:
    assert list(operands(text))[-1].narrows is narrows


def test_sql_in_a_string_is_looked_into() -> None:
    text = "begin execute format($sql$ update %s set a = 1 where %I = $1 and id = $2 $sql$, p) using v; end"
    found = list(operands(text))
    assert [(operand.text, operand.dynamic) for operand in found] == [("%I = $1", True), ("id = $2", True)]
    assert text[found[0].start : found[0].end] == "%I = $1"


def test_what_an_if_does() -> None:
    (operand,) = operands("begin if not ok then raise exception 'no'; else return 1; end if; end")
    assert operand.branch.strip() == "raise exception 'no';"


def test_guards_are_what_may_refuse() -> None:
    text = """
    begin
        perform core.check(a, b);
        perform id from t where x;
        raise notice 'seen';
        if not found then raise exception 'no; %', 1 using errcode = '42501'; end if;
    end"""
    assert [found for _, _, found in guards(text)] == [
        "perform core.check(a, b)",
        "raise exception 'no; %', 1 using errcode = '42501'",
    ]


def test_calls_have_their_schema() -> None:
    found = {
        (call.schema, call.name) for call in calls('select core.f(1), "B".g(), h(x) from t where exists (select 1)')
    }
    assert found == {("core", "f"), ("B", "g"), ("", "h")}

"""A failed comparison shows its rows, a failed test function its line."""

from __future__ import annotations

import pytest
from tap_files import RunFiles, Write, assertions

from dbkit.tap.explain import row_difference
from dbkit.tap.report import file_lines


def test_rows_in_order() -> None:
    have = [("1", "a"), ("2", "b"), ("3", None)]
    want = [("1", "a"), ("2", "c")]
    assert row_difference(["id", "name"], have, want, ordered=True) == [
        "#     row     id  name",
        "#     2    -  2   c",
        "#     2    +  2   b",
        "#     3    +  3   ∅",
    ]


def test_rows_as_bags_and_no_more_than_ten() -> None:
    lines = row_difference(["n"], [(str(n),) for n in range(20)], [("0",), ("x",)], ordered=False)
    assert lines[1] == "#       -  x"
    assert lines[-1] == "#     … and 10 more"
    assert len(lines) == 12
    assert row_difference(["n"], [("1",)], [("1",)], ordered=False) == []


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("results_eq('select generate_series(1, 3)', array[1, 2, 4])", ["3    -  4", "3    +  3"]),
        ("results_eq($$values (1, 'x')$$, $$values (1, 'y')$$, 'named')", ["1    -  1        y", "1    +  1        x"]),
        ("set_eq('values (1), (2)', array[1, 3])", ["-  3", "+  2"]),
        ("bag_eq('values (1), (1)', 'values (1)')", ["+  1"]),
        ("results_eq('prepared', array[5])", ["1    -  5", "1    +  4"]),
    ],
)
def test_differing_rows_are_shown(run_files: RunFiles, write: Write, statement: str, shown: list[str]) -> None:
    text = assertions(statement, "is((select count(*) from t), 0::bigint, 'the second run left nothing')")
    setup = "prepare prepared as select 4;\ncreate temp table t (a int);\n"
    (result,) = run_files(write("a.sql", text.replace("begin;\n", "begin;\n" + setup)))
    failed, after = result.tap.assertions
    assert not failed.passed and after.passed
    for line in shown:
        assert any(text.strip("# ").endswith(line) for text in failed.diagnostics), failed.diagnostics


def test_a_comparison_that_writes_is_undone(run_files: RunFiles, write: Write) -> None:
    text = assertions(
        "results_eq('with i as (insert into t values (1) returning a) select a from i', array[2])",
        "is((select count(*) from t), 1::bigint, 'inserted by the assertion alone')",
    ).replace("begin;", "begin; create temp table t (a int);")
    (result,) = run_files(write("a.sql", text))
    assert [assertion.passed for assertion in result.tap.assertions] == [False, True]


def test_a_comparison_that_cannot_be_read_keeps_pgtaps_own_words(run_files: RunFiles, write: Write) -> None:
    (result,) = run_files(write("a.sql", assertions("results_eq('select ' || '1', array[2])")))
    assert any("have: (1)" in line for line in result.tap.failed[0].diagnostics)


XUNIT = """begin;
create schema xunit;
create function xunit.test_fails() returns setof text language plpgsql as $$
begin
    return next ok(true, 'fine');
    return next is(1, 2, 'one is two');
end $$;
create function xunit.test_raises() returns setof text language plpgsql as
$$
begin
    return next ok(true, 'before');
    raise exception 'it broke';
end $$;
create function xunit.test_passes() returns setof text language sql as $$ select ok(true, 'fine') $$;
select * from runtests('xunit'::name);
rollback;
"""


def test_a_test_function_is_named_with_its_line(run_files: RunFiles, write: Write) -> None:
    path = write("xunit.sql", XUNIT)
    (result,) = run_files(path)
    fails, passes, raises = result.tap.assertions
    assert passes.passed
    assert (fails.function, fails.place and fails.place.line) == ("xunit.test_fails", 6)
    assert (raises.function, raises.place and raises.place.line) == ("xunit.test_raises", 12)
    shown = "\n".join(file_lines(result))
    assert "# in line 4 of xunit.test_fails()" in shown
    assert "# Test died: P0001: it broke" in shown

"""TAP is judged as the Perl harness under pg_prove judges it."""

from __future__ import annotations

import pytest

from dbkit.report import Location
from dbkit.tap.parse import TapResult, parse
from dbkit.tap.transcript import Line


def judged(text: str) -> TapResult:
    return parse([Line(line, "out", Location("t.sql", number)) for number, line in enumerate(text.splitlines(), 1)])


@pytest.mark.parametrize(
    "text",
    [
        "1..2\nok 1\nok 2",
        "ok 1 - a\nok 2 - b\n1..2",
        "1..1\nok",
        "1..1\nnot ok 1 - later # TODO not yet",
        "1..1\nok 1 # skip no server",
        "1..0 # SKIP nothing to do",
        "1..0",
        "some row\n1..1\nok 1 - x\nanother|row\n",
        "1..1\nok 1 - a # in the middle",
        "1..1\n    not ok 1 - nested\n    1..1\nok 1 - outer",
    ],
)
def test_green(text: str) -> None:
    result = judged(text)
    assert result.passed, result


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "printed no TAP"),
        ("just a row", "printed no TAP"),
        ("ok 1", "no plan"),
        ("1..2\nok 1", "planned 2 tests but ran 1"),
        ("1..1\nok 1\nok 2", "planned 1 tests but ran 2"),
        ("1..2\nok 1\nok 1", "out of sequence: found 1, expected 2"),
        ("1..1\n1..1\nok 1", "more than one plan"),
        ("ok 1\n1..2\nok 2", "before or after all tests"),
        ("1..2\nok 1\nBail out! the roof is on fire\nok 2", "bailed out: the roof is on fire"),
        ("1..2 of something\nok 1", "no plan"),
    ],
)
def test_red_as_a_file(text: str, problem: str) -> None:
    result = judged(text)
    assert not result.passed
    assert any(problem in found.message for found in result.problems), result.problems


@pytest.mark.parametrize("text", ["1..1\nnot ok 1", "1..1\nnot ok 1 - x \\# TODO escaped", "1..1\nnot ok 1 # TODOS"])
def test_red_as_an_assertion(text: str) -> None:
    result = judged(text)
    assert not result.problems
    assert len(result.failed) == 1


def test_parts_of_an_assertion() -> None:
    result = judged("1..3\nok 1 - plain\n# about one\nnot ok 2 - two\n# about two\n# more\nok 3 - x # SKIP no server")
    one, two, three = result.assertions
    assert (one.description, one.diagnostics) == ("plain", ["# about one"])
    assert (two.passed, two.diagnostics, str(two.place)) == (False, ["# about two", "# more"], "t.sql:4")
    assert (three.passed, three.directive, three.reason) == (True, "SKIP", "no server")


def test_subtests_are_kept_with_their_function() -> None:
    result = judged(
        "    # Subtest: s.test_a()\n    ok 1 - x\n    not ok 2 - y\n    # have: 1\n    1..2\nnot ok 1 - s.test_a\n"
        "    # Subtest: s.test_b()\n    # Test died: P0001: oh\n    1..0\nnot ok 2 - s.test_b\n1..2"
    )
    first, second = result.assertions
    assert (first.function, [inner.passed for inner in first.nested]) == ("s.test_a", [True, False])
    assert first.nested[1].diagnostics == ["# have: 1"]
    assert (second.function, second.nested[0].diagnostics) == ("s.test_b", ["# Test died: P0001: oh"])

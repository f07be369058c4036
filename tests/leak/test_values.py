"""Values without a server: examples of regular expressions, candidates out of CHECKs, parsing of COPY."""

from __future__ import annotations

import re

import pytest

from dbkit.leak.regex import example
from dbkit.leak.session import _copy_value
from dbkit.leak.values import check_candidates, first_value
from dbkit.tenancy.relations import Check, Column


def column(name: str = "c", base: str = "text", **facts: object) -> Column:
    defaults: dict[str, object] = {
        "name": name, "sql": name, "number": 1, "type": base, "base": base, "category": "b", "nullable": False,
        "default": None, "identity": "", "generated": False, "length": None, "domains": (), "labels": (),
    }  # fmt: skip
    return Column(**{**defaults, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$",
        r"^\+?[1-9]\d{1,14}$",
        r"^(?:draft|final)-[A-Z]{3}\d{2,4}$",
        r"^[^/\s]+/[^/]*$",
        r"^#[0-9a-fA-F]{6}$",
        r"^[[:alpha:]_][[:alnum:]_]{2}$",
        r"^\d{5}(-\d{4})?$",
    ],
)
def test_an_example_matches_its_pattern(pattern: str) -> None:
    posix = pattern.replace("[:alpha:]", "a-zA-Z").replace("[:alnum:]", "a-zA-Z0-9")
    for salt in ("", "ab12"):
        text = example(pattern, salt)
        assert text is not None and re.search(posix, text), (pattern, text)


@pytest.mark.parametrize("pattern", ["(?=a)b", "[a", "(a", "a{2"])
def test_what_is_not_covered_gives_nothing(pattern: str) -> None:
    assert example(pattern) is None


@pytest.mark.parametrize("pattern", [r"^\w+$", "^[A-Z0-9 ]+$", r"^\d{4}$", "^[a-z]{2,8}$"])
def test_examples_of_two_salts_differ(pattern: str) -> None:
    one, other = example(pattern, "0a1b2c3d"), example(pattern, "4d5e6f70")
    assert one and other and one != other
    assert re.fullmatch(pattern, one) and re.fullmatch(pattern, other)


def test_candidates_come_from_the_expression() -> None:
    check = Check("k", ("c",), "(c = ANY (ARRAY['draft'::text, 'it''s'::text]))")
    assert check_candidates(column(), [check], "A1", 0)[:2] == ["draft", "it's"]
    bounds = Check("k", ("n",), "((n >= 18) AND (n < 120))")
    assert {"18", "119"} <= set(check_candidates(column("n", "int4"), [bounds], "A1", 0))
    length = Check("k", ("c",), "((length(c) >= 12) AND (length(c) <= 20))")
    assert any(12 <= len(text or "") <= 20 for text in check_candidates(column(), [length], "A1", 0))
    assert None in check_candidates(column(nullable=True), [check], "A1", 0)


def test_first_values_differ_by_slot_and_fit_their_length() -> None:
    assert first_value("t", column(), "A1", 0) != first_value("t", column(), "B1", 0)
    short = first_value("t", column("code", "varchar", length=3), "A1", 0)
    assert short is not None and len(short) == 3
    assert first_value("t", column("kind", "kind", labels=("x", "y")), "A1", 0) == "x"
    assert first_value("t", column("odd", "some_unknown_type"), "A1", 0) is None


@pytest.mark.parametrize(("raw", "value"), [("\\N", None), ("a", "a"), ("a\\tb\\\\c\\nd", "a\tb\\c\nd"), ("", "")])
def test_copy_values_are_unescaped(raw: str, value: str | None) -> None:
    assert _copy_value(raw) == value

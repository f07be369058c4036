"""Read TAP out of what a file printed and judge it by the rules of the Perl harness that `pg_prove` runs on.

A file is red when an assertion fails, when the plan is missing, doubled, misplaced or not met, when numbers are out of
sequence, when it bails out, when it dies, and when it prints no TAP at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dbkit.report import Location
from dbkit.tap.transcript import Line

__all__ = ["Assertion", "Problem", "TapResult", "parse"]

_TEST = re.compile(r"(?P<ok>(?:not\ )?ok\b) \s* (?P<number>\d+)? \s* (?P<rest>.*)", re.VERBOSE | re.ASCII)
_DIRECTIVE = re.compile(
    r"(?P<description> [^\\#]* (?: \\. [^\\#]* )* ) \# \s* (?P<word>SKIP|TODO) \b \s* (?P<reason>.*)",
    re.VERBOSE | re.IGNORECASE,
)
_PLAN = re.compile(r"1\.\.(?P<count>\d+)\s*(?P<tail>.*)")
_SKIP_ALL = re.compile(r"#\s*SKIP\S*\s+(?P<reason>.*)", re.IGNORECASE)
_BAIL_OUT = re.compile(r"\s*Bail out!\s*(?P<reason>.*)")
_SUBTEST = re.compile(r"\s+# Subtest: (?P<name>.*?)(?:\(\))?\s*$")
_NESTED = re.compile(r"(?P<indent>(?: {4})+)(?P<text>\S.*)")


@dataclass
class Assertion:
    """One `ok` or `not ok`.

    Attributes:
        passed: counts as passed (also a failing TODO and a SKIP).
        directive: "TODO", "SKIP" or "".
        place: the statement that printed it.
        seconds: run time of that statement.
        diagnostics: comment lines and explanations that followed it.
        function: test function of `runtests()` it belongs to.
        nested: assertions of its subtest.
    """

    number: int
    passed: bool
    description: str
    directive: str = ""
    reason: str = ""
    place: Location | None = None
    seconds: float = 0.0
    diagnostics: list[str] = field(default_factory=list)
    function: str | None = None
    nested: list[Assertion] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Description, or the number where there is none."""
        return self.description or f"test {self.number}"


@dataclass(frozen=True)
class Problem:
    """Why a file is red apart from its assertions."""

    message: str
    place: Location | None = None


@dataclass
class TapResult:
    """One file's TAP, judged.

    Attributes:
        planned: number of the plan, None without one.
        skip_reason: the whole file was skipped (`1..0`).
        bailout: text after "Bail out!".
        comments: comment lines before the first assertion.
    """

    assertions: list[Assertion] = field(default_factory=list)
    planned: int | None = None
    skip_reason: str | None = None
    bailout: str | None = None
    problems: list[Problem] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[Assertion]:
        return [assertion for assertion in self.assertions if not assertion.passed]

    @property
    def passed(self) -> bool:
        return not self.failed and not self.problems


def parse(lines: Sequence[Line]) -> TapResult:
    """Judge the lines of one file; whether it died is for the caller to add."""
    parser = _Parser()
    for line in lines:
        if line.channel == "out":
            parser.line(line)
        elif line.channel == "detail":
            parser.detail(line)
        if parser.result.bailout is not None:
            break
    parser.finish()
    return parser.result


class _Parser:
    def __init__(self) -> None:
        self.result = TapResult()
        self._plan_place: Location | None = None
        self._planned_after_tests = False
        self._nested: list[Assertion] = []
        self._function: str | None = None
        self._last: Assertion | None = None

    def line(self, line: Line) -> None:
        text = line.text
        if match := _TEST.match(text):
            self._test(match, line)
        elif text.startswith("#"):
            self.comment(text)
        elif match := _BAIL_OUT.match(text):
            self.result.bailout = match["reason"].strip() or "no reason given"
            self._problem(f"bailed out: {self.result.bailout}", line.place)
        elif match := _PLAN.match(text):
            self._plan(match, line)
        elif text.startswith("    "):
            self._indented(text, line)

    def comment(self, text: str) -> None:
        if self._last is not None:
            self._last.diagnostics.append(text)
        elif self.result.assertions:
            self.result.assertions[-1].diagnostics.append(text)
        else:
            self.result.comments.append(text)

    def detail(self, line: Line) -> None:
        """An explanation; where it names a better place than the statement, the assertion moves there."""
        self.comment(line.text)
        if line.place is not None and self._last is not None:
            self._last.place = line.place

    def finish(self) -> None:
        result = self.result
        if result.bailout is not None:
            return
        ran = len(result.assertions)
        if result.planned is None:
            self._problem("no plan: the file printed tests but not how many" if ran else "the file printed no TAP")
        elif result.planned != ran:
            self._problem(f"planned {result.planned} tests but ran {ran}", self._plan_place)

    def _test(self, match: re.Match[str], line: Line) -> None:
        if self._planned_after_tests:
            self._problem("the plan must come before or after all tests", self._plan_place)
            self._planned_after_tests = False
        assertion = _assertion(match, line, expected=len(self.result.assertions) + 1)
        expected = len(self.result.assertions) + 1
        if assertion.number != expected:
            self._problem(f"tests out of sequence: found {assertion.number}, expected {expected}", line.place)
        assertion.nested, self._nested = self._nested, []
        assertion.function, self._function = self._function, None
        self.result.assertions.append(assertion)
        self._last = assertion

    def _plan(self, match: re.Match[str], line: Line) -> None:
        count, tail = int(match["count"]), match["tail"]
        if tail.strip() and count:
            return  # not a plan: "1..3 of something"
        if self.result.planned is not None:
            self._problem("more than one plan", line.place)
            return
        self.result.planned = count
        self._plan_place = line.place
        self._planned_after_tests = bool(self.result.assertions)
        if count == 0:
            reason = _SKIP_ALL.match(tail)
            self.result.skip_reason = reason["reason"] if reason else ""

    def _indented(self, text: str, line: Line) -> None:
        """Output of one function of `runtests()`; the harness skips it, people want to read it."""
        if match := _SUBTEST.match(text):
            self._function = match["name"]
            self._nested = []
            self._last = None
            return
        nested = _NESTED.match(text)
        if nested is None:
            return
        if match := _TEST.match(nested["text"]):
            assertion = _assertion(match, line, expected=len(self._nested) + 1)
            assertion.function = self._function
            self._nested.append(assertion)
            self._last = assertion
        elif nested["text"].startswith("#"):
            died = nested["text"].startswith("# Test died")
            if died or self._last is None:
                title = "died" if died else "before the first assertion"
                self._last = Assertion(0, not died, title, place=line.place, function=self._function)
                self._nested.append(self._last)
            self._last.diagnostics.append(nested["text"])

    def _problem(self, message: str, place: Location | None = None) -> None:
        self.result.problems.append(Problem(message, place))


def _assertion(match: re.Match[str], line: Line, expected: int) -> Assertion:
    passed, description, directive, reason = match["ok"] == "ok", match["rest"], "", ""
    if found := _DIRECTIVE.fullmatch(description):
        description, directive, reason = found["description"], found["word"].upper(), found["reason"]
    description = description.strip().removeprefix("- ").strip()
    number = int(match["number"]) if match["number"] else expected
    return Assertion(
        number, passed or directive != "", description, directive, reason.strip(), line.place, line.seconds
    )

"""JUnit XML: suites of cases, whether they come from test files or from findings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dbkit.report import Finding, Report

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Case", "Suite", "render_findings", "render_junit"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Case:
    """One test case.

    Attributes:
        file: the file it stands in, "" where it stands in none.
        outcome: "" when it passed, else failure, error or skipped.
        message, text: of the outcome.
    """

    classname: str
    name: str
    file: str = ""
    line: int | None = None
    seconds: float = 0.0
    outcome: str = ""
    message: str = ""
    text: str = ""


@dataclass
class Suite:
    """The cases of one file or object; `stderr` is what else was said."""

    name: str
    cases: list[Case] = field(default_factory=list)
    seconds: float = 0.0
    stderr: str = ""

    def count(self, outcome: str) -> int:
        return sum(case.outcome == outcome for case in self.cases)


def render_junit(name: str, suites: Iterable[Suite], seconds: float = 0.0) -> str:
    """The document, without a trailing newline."""
    from xml.etree import ElementTree

    suites = list(suites)
    root = ElementTree.Element(
        "testsuites",
        name=name,
        tests=str(sum(len(suite.cases) for suite in suites)),
        failures=str(sum(suite.count("failure") for suite in suites)),
        errors=str(sum(suite.count("error") for suite in suites)),
        time=f"{seconds:.3f}",
    )
    for suite in suites:
        _add_suite(root, suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def render_findings(report: Report) -> str:
    """A suite for each file or object, a case for each finding.

    A finding below the report's threshold passes: it says what holds, or what need not fail a build. What could not be
    verified is an error, not a failure: nothing was shown.
    """
    suites: dict[str, Suite] = {}
    for finding in report.findings:
        name = finding.location.file if finding.location and not finding.object else finding.object or report.command
        suites.setdefault(name, Suite(name)).cases.append(_case(report, finding, name))
    if not suites:
        # Some readers take a document without a case for a broken one.
        suites[report.command] = Suite(report.command, [Case(report.command, "no findings")])
    return render_junit(f"dbkit {report.command}", suites.values())


def _case(report: Report, finding: Finding, name: str) -> Case:
    evidence = finding.evidence
    parts = [
        ("detail", finding.detail),
        ("hint", finding.hint),
        ("witness", evidence and evidence.witness),
        ("shown by", evidence and evidence.sql),
        ("control", evidence and evidence.control),
    ]
    outcome = ""
    if finding.verdict == "unverified":
        outcome = "error"
    elif finding.severity >= report.threshold:
        outcome = "failure"
    place = finding.location
    return Case(
        classname=f"{report.command}.{name}",
        name=f"{finding.rule}: {finding.message}",
        file=place.file if place else "",
        line=place.line if place else None,
        outcome=outcome,
        message=finding.message if outcome else "",
        text="\n".join(f"{label}: {text}" for label, text in parts if text) if outcome else "",
    )


def _add_suite(root: Element, suite: Suite) -> None:
    from xml.etree.ElementTree import SubElement

    element = SubElement(
        root,
        "testsuite",
        name=_xml(suite.name),
        tests=str(len(suite.cases)),
        failures=str(suite.count("failure")),
        errors=str(suite.count("error")),
        skipped=str(suite.count("skipped")),
        time=f"{suite.seconds:.3f}",
    )
    for case in suite.cases:
        shown = SubElement(element, "testcase", classname=_xml(case.classname), name=_xml(case.name))
        if case.file:
            shown.set("file", _xml(case.file))
        shown.set("time", f"{case.seconds:.4f}")
        if case.line is not None:
            shown.set("line", str(case.line))
        if case.outcome:
            outcome = SubElement(shown, case.outcome, message=_xml(case.message))
            outcome.text = _xml(case.text) or None
    if suite.stderr:
        SubElement(element, "system-err").text = _xml(suite.stderr)


def _xml(text: str) -> str:
    return _NOT_XML.sub("�", text)

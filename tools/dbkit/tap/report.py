"""Show what a run found: text as it goes, then TAP, JUnit XML, GitHub annotations or JSON of the whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dbkit.output.github import render_github
from dbkit.output.junit import Case, Suite, render_junit
from dbkit.report import Finding, Location, Report
from dbkit.tap.parse import Assertion
from dbkit.tap.result import FileResult

__all__ = ["Run", "closing_lines", "file_lines", "junit", "render_annotations", "render_tap", "report_of"]

_SHOWN_NOTICES = 20


@dataclass
class Run:
    """One run of `dbkit test`.

    Attributes:
        source: where the tests ran, e.g. "clones of the project on embedded PostgreSQL 17.10".
        server: version line of the server.
        seconds: wall clock of the tests, without making the template.
        not_run: files that were left out after the first failure.
    """

    results: list[FileResult] = field(default_factory=list)
    source: str = ""
    server: str = ""
    jobs: int = 1
    seconds: float = 0.0
    not_run: list[str] = field(default_factory=list)

    @property
    def tests(self) -> int:
        return sum(len(result.tap.assertions) for result in self.results)

    @property
    def failed_tests(self) -> int:
        return sum(len(result.tap.failed) for result in self.results)

    @property
    def failed_files(self) -> list[FileResult]:
        return [result for result in self.results if not result.passed]


def report_of(run: Run) -> Report:
    """Failed assertions and broken files as findings; the numbers and each file's result as the summary."""
    directives = [assertion.directive for result in run.results for assertion in result.tap.assertions]
    summary: dict[str, Any] = {
        "files": len(run.results),
        "tests": run.tests,
        "failed": run.failed_tests,
        "failed_files": len(run.failed_files),
        "skipped": directives.count("SKIP"),
        "todo": directives.count("TODO"),
        "not_run": run.not_run,
        "seconds": round(run.seconds, 3),
        "jobs": run.jobs,
        "source": run.source,
        "results": [_result_dict(result) for result in run.results],
    }
    findings = [finding for result in run.results for finding in _findings(result)]
    return Report("test", findings, summary, server=run.server)


def file_lines(result: FileResult, *, verbose: bool = False) -> list[str]:
    """One file for people: a line, and below it what failed."""
    tests, failed = len(result.tap.assertions), len(result.tap.failed)
    word = "skip" if result.skipped else "ok" if result.passed else "FAIL"
    counts = f"{tests} test{'' if tests == 1 else 's'}" + (f", {failed} failed" if failed else "")
    notes = [f"psql: {result.transcript.note}"] if result.transcript.note else []
    if result.skipped and result.tap.skip_reason:
        notes.append(result.tap.skip_reason)
    if result.after:
        notes.append(f"after {result.after[0]}")
    if verbose:
        notes.append(f"{result.isolation.value}: {result.file.reading.reason}")
    note = f"  ({'; '.join(notes)})" if notes else ""
    lines = [f"{word:<4}  {result.file.display}  {counts}, {result.seconds * 1000:.0f} ms{note}"]
    if result.passed:
        return lines
    for assertion in result.tap.failed:
        lines.append(f"      {_place(assertion.place, result)}: not ok {assertion.number} - {assertion.title}")
        lines += [f"          {text}" for text in _diagnostics(assertion)]
    for problem in result.problems_and_plan:
        first, *rest = problem.message.split("\n")
        lines.append(f"      {_place(problem.place, result)}: {first}")
        lines += [f"          {text}" for text in rest]
    lines += [f"          {text}" for text in _notices(result)]
    return lines


def closing_lines(run: Run, durations: int = 0) -> list[str]:
    """The slowest files, what was left out, and the numbers."""
    lines = []
    if durations:
        slowest = sorted(run.results, key=lambda result: result.seconds, reverse=True)[:durations]
        lines.append(f"slowest {len(slowest)}:")
        lines += [f"  {result.seconds * 1000:7.0f} ms  {result.file.display}" for result in slowest]
    if run.not_run:
        lines.append(f"{len(run.not_run)} files not run")
    lines += _setup_note(run)
    through_psql = sum(result.transcript.engine == "psql" for result in run.results)
    parts = [
        f"{len(run.results)} files, {run.tests} tests, {run.failed_tests} failed",
        *([f"{len(run.failed_files)} files failed"] if run.failed_files else []),
        *([f"{through_psql} through psql"] if through_psql else []),
    ]
    workers = "1 worker" if run.jobs == 1 else f"{run.jobs} workers"
    lines.append(f"{', '.join(parts)} in {run.seconds:.2f} s ({run.source}, {workers})")
    return lines


def _setup_note(run: Run) -> list[str]:
    """Which files others count on, and how to say so."""
    counting = [result for result in run.results if result.after]
    if not counting:
        return []
    first, *more = counting[0].after
    number = "1 file ran" if len(counting) == 1 else f"{len(counting)} files ran"
    others = f" and {len(more)} more that commit" if more else ", which commits"
    return [f"note: {number} again after {first}{others}; to prepare every database with it: --setup {first}"]


def render_tap(run: Run) -> str:
    """One TAP stream: each file a subtest, its own output indented below its name."""
    lines = ["TAP version 13", f"1..{len(run.results)}"]
    for number, result in enumerate(run.results, 1):
        lines.append(f"# Subtest: {result.file.display}")
        lines += [
            f"    {line.text}" if line.channel != "err" else f"    # {line.text}" for line in result.transcript.lines
        ]
        lines += [f"    # {text}" for problem in result.problems_and_plan for text in problem.message.split("\n")]
        directive = f" # SKIP {result.tap.skip_reason}".rstrip() if result.skipped else ""
        lines.append(f"{'ok' if result.passed else 'not ok'} {number} - {result.file.display}{directive}")
    return "\n".join(lines)


def render_annotations(report: Report) -> str:
    """GitHub annotations that carry the diagnostics."""
    return render_github(replace(report, findings=[f._replace(hint=f.detail or f.hint) for f in report.findings]))


def junit(run: Run) -> str:
    """JUnit XML: a suite a file, a case an assertion; a file that broke has one more case, named after it."""
    return render_junit("dbkit test", map(_suite, run.results), run.seconds)


def _suite(result: FileResult) -> Suite:
    cases = [_case(result, assertion) for assertion in result.tap.assertions]
    problems = result.problems_and_plan
    if problems:
        place = next((problem.place for problem in problems if problem.place), None)
        cases.append(
            Case(
                _classname(result),
                Path(result.file.display).name,
                result.file.display,
                place.line if place else None,
                outcome="error",
                message=problems[0].message.split("\n")[0],
                text="\n".join(problem.message for problem in problems),
            )
        )
    notices = [line.text for line in result.transcript.lines if line.channel == "err"]
    return Suite(result.file.display, cases, result.seconds, "\n".join(notices))


def _case(result: FileResult, assertion: Assertion) -> Case:
    outcome = message = text = ""
    if not assertion.passed:
        outcome, message = "failure", f"not ok {assertion.number} - {assertion.title}"
        text = "\n".join([_place(assertion.place, result), *_diagnostics(assertion)])
    elif assertion.directive:
        outcome, message = "skipped", f"{assertion.directive} {assertion.reason}".strip()
    place = assertion.place
    return Case(
        _classname(result),
        assertion.title,
        place.file if place else result.file.display,
        place.line if place else None,
        assertion.seconds,
        outcome,
        message,
        text,
    )


def _classname(result: FileResult) -> str:
    return str(Path(result.file.display).with_suffix("")).replace("/", ".")


def _findings(result: FileResult) -> list[Finding]:
    findings = []
    for assertion in result.tap.failed:
        where = assertion.place
        location = Location(where.file, where.line) if where else Location(result.file.display)
        detail = "\n".join(_diagnostics(assertion)) or None
        message = f"not ok {assertion.number} - {assertion.title}"
        findings.append(Finding("assertion_failed", message, location=location, detail=detail))
    for problem in result.problems_and_plan:
        first, _, rest = problem.message.partition("\n")
        where = problem.place
        location = Location(where.file, where.line) if where else Location(result.file.display)
        findings.append(Finding("test_file_failed", first, location=location, detail=rest or None))
    return findings


def _result_dict(result: FileResult) -> dict[str, Any]:
    return {
        "file": result.file.display,
        "passed": result.passed,
        "planned": result.tap.planned,
        "tests": len(result.tap.assertions),
        "failed": len(result.tap.failed),
        "skip_reason": result.tap.skip_reason,
        "seconds": round(result.seconds, 4),
        "engine": result.transcript.engine,
        "engine_note": result.transcript.note,
        "isolation": result.isolation.value,
        "after": list(result.after),
        "exit_code": result.transcript.exit_code,
    }


def _diagnostics(assertion: Assertion) -> list[str]:
    nested = [
        text
        for inner in assertion.nested
        if not inner.passed
        for text in ((f"not ok {inner.number} - {inner.title}",) if inner.number else ()) + tuple(inner.diagnostics)
    ]
    return nested + assertion.diagnostics


def _notices(result: FileResult) -> list[str]:
    """What went to standard error and is not already shown as the reason."""
    shown = {text for problem in result.problems for text in problem.message.split("\n")}
    lines = [line.text for line in result.transcript.lines if line.channel == "err"]
    fresh = [text for text in lines if not any(part in text for part in shown if part.strip())]
    return [text for text in fresh if text.strip() not in shown][:_SHOWN_NOTICES]


def _place(place: Location | None, result: FileResult) -> str:
    return str(place) if place else result.file.display

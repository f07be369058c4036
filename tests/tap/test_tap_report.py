"""The same run as text, TAP, JUnit XML, GitHub annotations and JSON."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tap_files import RunFiles, Write, assertions

from dbkit.tap.report import Run, closing_lines, file_lines, junit, render_annotations, render_tap, report_of


@pytest.fixture
def finished(run_files: RunFiles, write: Write) -> Run:
    files = [
        write("good.sql", assertions("pass('a & <b>')", "skip('no server', 1)")),
        write("bad.sql", assertions("is(1, 2, 'one is two')", plan=2)),
        write("skipped.sql", "begin;\nselect '1..0 # SKIP not today';\nrollback;\n"),
        write("control.sql", assertions("pass(E'bell \\x07')")),
    ]
    return Run(run_files(*files), "clones of an empty database", "PostgreSQL", 1, 0.5)


def test_text(finished: Run) -> None:
    good, bad, skipped, _ = finished.results
    assert file_lines(good)[0].startswith("ok    ")
    assert file_lines(skipped)[0].startswith("skip  ") and "not today" in file_lines(skipped)[0]
    lines = file_lines(bad)
    assert lines[0].startswith("FAIL  ") and "1 test, 1 failed" in lines[0]
    assert any(line.strip().endswith("bad.sql:3: not ok 1 - one is two") for line in lines)
    assert any("planned 2 tests but ran 1" in line for line in lines)
    closing = closing_lines(finished, durations=2)
    assert closing[0] == "slowest 2:"
    assert closing[-1].startswith("4 files, 4 tests, 1 failed, 1 files failed in 0.50 s")


def test_junit(finished: Run) -> None:
    root = ElementTree.fromstring(junit(finished))
    # The broken file is a case, too.
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "1", "1")
    good, bad, _, control = root.findall("testsuite")
    assert [case.get("name") for case in good.findall("testcase")] == ["a & <b>", "test 2"]
    assert good.find("testcase/skipped") is not None
    failed = bad.find("testcase[failure]")
    assert failed is not None
    assert (failed.get("name"), failed.get("line")) == ("one is two", "3")
    assert str(failed.get("file")).endswith("bad.sql")
    assert "have: 1" in (failed.findtext("failure") or "")
    assert bad.find("testcase/error") is not None
    assert control.find("testcase") is not None  # a control character does not break the XML


def test_tap_is_one_stream_that_parses(finished: Run) -> None:
    from dbkit.tap.parse import parse
    from dbkit.tap.transcript import Line

    text = render_tap(finished)
    result = parse([Line(line) for line in text.splitlines()])
    assert [assertion.passed for assertion in result.assertions] == [True, False, True, True]
    assert not result.problems
    assert "    not ok 1 - one is two" in text


def test_github(finished: Run) -> None:
    lines = render_annotations(report_of(finished)).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("::error file=") and ",line=3," in lines[0] and "have: 1" in lines[0]


def test_json(finished: Run) -> None:
    report = report_of(finished).as_dict()
    assert report["summary"]["failed"] == 1
    assert [result["passed"] for result in report["summary"]["results"]] == [True, False, True, True]
    assert [finding["rule"] for finding in report["findings"]] == ["assertion_failed", "test_file_failed"]
    assert report_of(finished).exit_code == 1

"""Judge one file's run: TAP, what the exit code of psql adds to it, and what else is wrong with the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from dbkit.report import Location
from dbkit.tap.collect import TestFile
from dbkit.tap.isolation import Isolation
from dbkit.tap.parse import Problem, TapResult, parse
from dbkit.tap.psql_script import read_sql
from dbkit.tap.transcript import Transcript

__all__ = ["FileResult", "judge", "refused"]


@dataclass
class FileResult:
    """One file, run and judged.

    Attributes:
        seconds: wall clock, with making its database.
        isolation: what it ran in.
        problems: why it is red apart from failed assertions.
        after: files that ran before it in the same database, because it counts on them; see `sequence`.
    """

    file: TestFile
    transcript: Transcript
    tap: TapResult
    seconds: float = 0.0
    isolation: Isolation = Isolation.TRANSACTION
    problems: list[Problem] = field(default_factory=list)
    after: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.tap.passed and not self.problems

    @property
    def problems_and_plan(self) -> list[Problem]:
        """Everything that is wrong with the file as a whole: what it died of first, then its plan."""
        return [*self.problems, *self.tap.problems]

    @property
    def skipped(self) -> bool:
        return self.passed and self.tap.skip_reason is not None


def judge(file: TestFile, transcript: Transcript, isolation: Isolation) -> FileResult:
    """TAP, and what the exit code of psql adds to it."""
    result = FileResult(file, transcript, parse(transcript.lines), isolation=isolation)
    if transcript.engine == "psql":
        _locate(result)
    if transcript.exit_code and result.tap.bailout is None:
        if transcript.failures:
            last = transcript.failures[-1]
            state = f" (SQLSTATE {last.sqlstate})" if last.sqlstate else ""
            result.problems.append(Problem(f"died: {last.message}{state}", last.place))
        else:
            result.problems.append(Problem(f"psql ended with exit code {transcript.exit_code}"))
    return result


def _locate(result: FileResult) -> None:
    """Lines for what psql printed: a description that stands in the file once says where its assertion is."""
    text = read_sql(result.file.path) if result.file.text is None else result.file.text
    lines = text.split("\n")
    for assertion in result.tap.assertions:
        quoted = assertion.description.replace("'", "''")
        found = [number for number, line in enumerate(lines, 1) if quoted and f"'{quoted}'" in line]
        if len(found) == 1:
            assertion.place = Location(result.file.display, found[0])


def refused(file: TestFile, message: str) -> FileResult:
    """The result of a file that was not run, and why."""
    return FileResult(file, Transcript(), TapResult(), isolation=file.reading.isolation, problems=[Problem(message)])

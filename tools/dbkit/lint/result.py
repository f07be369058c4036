"""What a run of the linter returns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from dbkit.report import Finding, Report, Severity

if TYPE_CHECKING:
    from dbkit.lint.files import LintFile
    from dbkit.lint.fix import Fix

__all__ = ["LintResult", "Repair"]


class Repair(NamedTuple):
    """A finding, the file it is in, and the edits its rule proposes."""

    finding: Finding
    file: LintFile
    fix: Fix


@dataclass
class LintResult:
    """A report.

    Attributes:
        texts: what its locations point into (by displayed name), for code frames.
        baseline: `[lint] baseline`.
        repairs: what the rules propose, where that was asked for.
        read: the files with their trees. Nobody asks for them again, but to free a million small objects one by one
            costs more than the end of the process does.
    """

    report: Report
    texts: dict[str, str]
    baseline: str | None = None
    repairs: list[Repair] = field(default_factory=list)
    read: object = None

    def count(self) -> dict[str, int]:
        """How many findings of each severity, the worst first."""
        severities = Counter(finding.severity for finding in self.report.findings)
        return {str(severity): severities[severity] for severity in reversed(Severity)}

"""Show the criteria as a table: what was measured, what it had to be, and the command that shows it alone."""

from __future__ import annotations

from collections.abc import Sequence

from dbkit.readiness.declaration import Claim
from dbkit.readiness.run import Outcome
from dbkit.report import Report

__all__ = ["closing_line", "table"]

_HEADER = ("", "measured", "target", "shown alone by")


def table(claim: Claim, server: str, outcomes: Sequence[Outcome]) -> str:
    """Criteria with the rows of their checks below them; what is wrong stands below its row."""
    rows = [
        (check.measured.verdict, check.measured.value, check.measured.target, check.alone)
        for outcome in outcomes
        for check in outcome.checks
    ]
    widths = [max(len(row[column]) for row in (_HEADER, *rows)) for column in range(len(_HEADER))]
    lines = [f"{claim.title}: {server}", "", _line(_HEADER, widths)]
    for outcome in outcomes:
        lines.append(f"{outcome.number} {outcome.criterion.name}: {outcome.criterion.says}")
        for check in outcome.checks:
            measured = check.measured
            lines.append(_line((measured.verdict, measured.value, measured.target, check.alone), widths))
            if measured.verdict != "met":
                for label, text in (("detail", measured.detail), ("hint", measured.hint)):
                    lines += [f"      {label}: " + text.replace("\n", "\n        ")] if text else []
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def closing_line(report: Report) -> str:
    """`7 criteria: 7 met, 0 missed, 0 unverified`."""
    numbers = report.summary
    total = len(numbers["criteria"])
    words = ", ".join(f"{numbers[word]} {word}" for word in ("met", "missed", "unverified"))
    left = f" ({len(numbers['left_out'])} left out)" if numbers["left_out"] else ""
    return f"{total} {'criterion' if total == 1 else 'criteria'}: {words}{left}"

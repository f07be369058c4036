"""Allowances: `-- dbkit: allow <rule> because …` switches one rule off for one place, and says why.

    -- dbkit: allow index_blocks_writes because the table is empty until release 12
    create index …                                   the statement below
    amount integer, -- dbkit: allow … because …      the line, or the statement that begins or ends on it

At the top of a file, set off by a blank line or the `-- migrate:up` mark, it holds for the whole file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dbkit.lint.files import LintFile
from dbkit.patterns import lazy_pattern

__all__ = ["Allowance", "is_allowing", "read_allowances"]

_ALLOW = lazy_pattern(r"--[ \t]*dbkit:[ \t]*allow\b(?P<rest>[^\n]*)", re.IGNORECASE)
_PARTS = lazy_pattern(
    r"\s+(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)(?:\s*[:,]?\s*\bbecause\b(?P<reason>.*))?", re.IGNORECASE | re.DOTALL
)
_SECTION_MARK = lazy_pattern(r"--\s*(?:migrate:|\+goose\s|\+migrate\s)", re.IGNORECASE)


@dataclass(eq=False, slots=True)
class Allowance:
    """One comment and one rule it names.

    Attributes:
        rule: the name as the registry spells it (dashes are underscores).
        reason: what stands behind "because", "" where it is missing.
        offset: character offset of the comment.
        first, last: lines it covers; (1, None) is the whole file, last < first nothing.
        used: set when a finding was allowed by it.
    """

    rule: str
    reason: str
    offset: int
    first: int
    last: int | None
    used: bool = False

    def covers(self, line: int) -> bool:
        return line >= self.first and (self.last is None or line <= self.last)


def is_allowing(file: LintFile) -> bool:
    """Whether a file may hold an allowance."""
    return "dbkit:" in file.text


def read_allowances(file: LintFile) -> list[Allowance]:
    """Every allowance of a file. Text in quoted function bodies counts, so that a line inside one can be allowed."""
    if not is_allowing(file):
        return []
    lines = file.text.split("\n")
    spans = _statement_lines(file)
    allowances: list[Allowance] = []
    for match in _ALLOW.finditer(file.text):
        number, column = file.script.position(match.start())
        parts = _PARTS.match(match["rest"])
        rules = re.split(r"\s*,\s*", parts["rules"]) if parts else [""]
        reason = (parts["reason"] or "").strip() if parts else ""
        if not reason and parts and parts["reason"] is not None and number < len(lines):
            # "because" may end the line, with the reason on the next comment line.
            continued = lines[number].strip()
            reason = continued.lstrip("- ") if continued.startswith("--") else ""
        trailing = bool(lines[number - 1][: column - 1].strip())
        first, last = _at_line_end(number, spans) if trailing else _above(number, lines, spans)
        allowances.extend(
            Allowance(rule.replace("-", "_").lower(), reason, match.start(), first, last) for rule in rules
        )
    return allowances


def _statement_lines(file: LintFile) -> list[tuple[int, int]]:
    """First and last line of each statement."""
    position = file.script.position
    return [(position(item.start)[0], position(item.end)[0]) for item in file.script.statements]


def _at_line_end(number: int, spans: list[tuple[int, int]]) -> tuple[int, int | None]:
    for first, last in spans:
        if number in (first, last):
            return first, last
    return number, number


def _above(number: int, lines: list[str], spans: list[tuple[int, int]]) -> tuple[int, int | None]:
    """Lines covered by a comment that has a line, or several, to itself."""
    below = number + 1
    while below <= len(lines) and lines[below - 1].lstrip().startswith("--"):
        if _SECTION_MARK.match(lines[below - 1].lstrip()):
            return (1, None) if _before_all(number, spans) else (number, number)
        below += 1
    if below > len(lines) or not lines[below - 1].strip():
        return (1, None) if _before_all(number, spans) else (number, number)
    for first, last in spans:
        if first == below:
            return first, last
    return below, below


def _before_all(number: int, spans: list[tuple[int, int]]) -> bool:
    return not spans or number < spans[0][0]

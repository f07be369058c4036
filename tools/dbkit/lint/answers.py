"""What the rules say of a file, with each place resolved: the linter's step between asking and judging.

Answers are plain tuples of plain values, so that a later run can take them over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from dbkit.lint.model import Origin

if TYPE_CHECKING:
    from dbkit.lint.files import LintFile
    from dbkit.lint.fix import Fix
    from dbkit.lint.rule import Hit, Rule
    from dbkit.parse import Statement

__all__ = ["Answer", "Answers", "answer"]


class Answer(NamedTuple):
    """A hit with its place.

    Attributes:
        rule: its name.
        file: number in the series of the file it is in.
        offset: character offset in that file; line and column are the same place.
        statement_line: line of the statement, for allowances that stand above it.
        severity: where this case is milder than the rule.
        convention: True for a case that only our own conventions mind.
        fix: the repair, where one was asked for and there is one.
    """

    rule: str
    file: int
    offset: int
    line: int
    column: int
    statement_line: int
    message: str
    object: str | None
    detail: str | None
    hint: str | None
    severity: int | None
    convention: bool
    fix: Fix | None = None


@dataclass(slots=True)
class Answers:
    """What was said of some files of a series, by their number.

    Attributes:
        settled: of its statements, and when the file was through.
        concluded: when the whole series was.
        locked: what came with the settled ones of `State.locked`, by which later files are judged.
    """

    settled: dict[int, list[Answer]] = field(default_factory=dict)
    concluded: dict[int, list[Answer]] = field(default_factory=dict)
    locked: dict[int, list[tuple[str, ...]]] = field(default_factory=dict)

    def each_once(self) -> list[Answer]:
        """All of them in the order of the series, each place once a rule."""
        first: dict[tuple[str, int, int], Answer] = {}
        for listed in (self.settled, self.concluded):
            for number in sorted(listed):
                for item in listed[number]:
                    first.setdefault((item.rule, item.file, item.offset), item)
        return list(first.values())


def answer(
    rule: Rule, hit: Hit, file: LintFile, number: int, statement: Statement | None, *, repair: bool = False
) -> Answer:
    """Resolve the place of a hit.

    Args:
        file: the one the hit is in, and its number.
        statement: the one the rule was looking at, where the hit is about that.
        repair: compute what the rule proposes to write.
    """
    if isinstance(hit.at, Origin):
        offset, begins = hit.at.offset, hit.at.statement
    else:
        offset, begins = hit.at, statement.start if statement else hit.at
    position = file.script.position
    severity = None if hit.severity is None else int(hit.severity)
    fix = hit.fix() if repair and hit.fix is not None else None
    line, column = position(offset)
    begins_on = line if begins == offset else position(begins)[0]
    said = hit.message, hit.object, hit.detail, hit.hint
    return Answer(rule.name, number, offset, line, column, begins_on, *said, severity, hit.convention, fix)

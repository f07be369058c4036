"""What of the answers is reported: settings and allowances decide. An allowance that covers nothing is a finding."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from dbkit.lint.allow import Allowance
from dbkit.lint.answers import Answer, answer
from dbkit.lint.files import LintFile, Series
from dbkit.lint.result import Repair
from dbkit.lint.rule import Hit, load_rules
from dbkit.lint.settings import Settings
from dbkit.lint.sizes import Sizes, softened
from dbkit.report import Finding, Location, Severity

__all__ = ["Verdict"]


class Verdict:
    """What is reported of one series.

    Args:
        allowances: reads those of a file.

    Attributes:
        findings: in no order.
        repairs: those of them that come with one.
    """

    def __init__(
        self,
        series: Series,
        answers: Iterable[Answer],
        allowances: Callable[[LintFile], list[Allowance]],
        settings: Settings,
        sizes: Sizes | None,
    ) -> None:
        self.findings: list[Finding] = []
        self.repairs: list[Repair] = []
        self._series = series
        self._settings = settings
        self._sizes = sizes
        allowed = {
            number: listed for number, file in enumerate(series.files) if file.judged and (listed := allowances(file))
        }
        for item in answers:
            if item.file not in allowed or not _is_allowed(item, allowed[item.file]):
                self._report(item)
        for number, listed in allowed.items():
            for allowance in listed:
                for name, hit in _faults(allowance, settings.rules):
                    if name in settings.rules:
                        self._report(answer(load_rules()[name], hit, series.files[number], number, None))

    def _report(self, item: Answer) -> None:
        settings, rule = self._settings, load_rules()[item.rule]
        if item.convention and not settings.house:
            return
        severity, detail = settings.severity.get(rule.name), item.detail
        if severity is None:
            severity = rule.severity if item.severity is None else Severity(item.severity)
            if rule.work and self._sizes is not None:
                severity, moment = softened(severity, item.object, self._sizes)
                detail = " ".join(part for part in (detail, moment) if part) or None
        file: LintFile = self._series.files[item.file]
        finding = Finding(
            rule=rule.name,
            message=item.message,
            severity=severity,
            category=rule.code,
            object=item.object,
            location=Location(file.display, item.line, item.column),
            detail=detail,
            hint=item.hint,
        )
        self.findings.append(finding)
        if item.fix is not None:
            self.repairs.append(Repair(finding, file, item.fix))


def _is_allowed(item: Answer, allowances: Iterable[Allowance]) -> bool:
    allowed = False
    for allowance in allowances:
        if allowance.rule == item.rule and (allowance.covers(item.line) or allowance.covers(item.statement_line)):
            allowance.used = allowed = True
    return allowed


def _faults(allowance: Allowance, running: Collection[str]) -> Iterator[tuple[str, Hit]]:
    """Rule and hit for what is wrong with an allowance."""
    rules = load_rules()
    if allowance.rule not in rules:
        from difflib import get_close_matches

        close = get_close_matches(allowance.rule, rules, n=1)
        hint = f"Did you mean {close[0]}?" if close else "Run: dbkit lint --rules"
        yield (
            "unknown_rule_in_allowance",
            Hit(f"no rule is named {allowance.rule or 'nothing'}", allowance.offset, hint=hint),
        )
        return
    if not allowance.reason:
        yield (
            "allowance_without_reason",
            Hit(
                f"allowance of {allowance.rule} gives no reason",
                allowance.offset,
                hint=f"Write: -- dbkit: allow {allowance.rule} because <why it is right here>",
            ),
        )
    # A rule that did not run, or does not judge such files, may well match in another profile.
    if not allowance.used and allowance.rule in running:
        yield (
            "unused_allowance",
            Hit(
                f"allowance of {allowance.rule} matches nothing",
                allowance.offset,
                hint="Remove the comment, or put it right above the statement it is about.",
            ),
        )

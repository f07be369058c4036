"""Carry out a claim's checks one after the other, and make the report of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.readiness.declaration import Claim, Criterion
from dbkit.readiness.measured import Measured, Verdict
from dbkit.readiness.stage import Stage, open_stage
from dbkit.report import Finding, Location, Report, Severity

__all__ = ["Outcome", "Shown", "chosen", "judge", "report_of"]


@dataclass(frozen=True)
class Shown:
    """One check and what it found. `alone` is the command that shows it alone."""

    kind: str
    alone: str
    measured: Measured


@dataclass(frozen=True)
class Outcome:
    """A criterion and what its checks found."""

    number: int
    criterion: Criterion
    checks: tuple[Shown, ...]

    @property
    def verdict(self) -> Verdict:
        """Met when all checks are; a miss outweighs what could not be measured."""
        verdicts = {check.measured.verdict for check in self.checks}
        return "missed" if "missed" in verdicts else "unverified" if "unverified" in verdicts else "met"


def chosen(claim: Claim, only: Sequence[str]) -> list[tuple[int, Criterion]]:
    """The criteria with the numbers they have in the file; `only` names some of them.

    Raises:
        DbkitError: a name that the claim has not got.
    """
    names = [criterion.name for criterion in claim.criteria]
    for name in only:
        if name not in names:
            raise DbkitError(
                f"unknown criterion: {name}",
                detail=f"{claim.name} has {', '.join(names)}.",
                hint=f"Run, for example: dbkit readiness {claim.name} --only {names[0]}",
            )
    numbered = enumerate(claim.criteria, 1)
    return [(number, criterion) for number, criterion in numbered if not only or criterion.name in only]


def judge(
    config: Config,
    claim: Claim,
    only: Sequence[str] = (),
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[str, list[Outcome]]:
    """Measure the criteria on a disposable server.

    Args:
        only: names of criteria; empty takes all.
        tell: told what is being done.

    Returns:
        The server's version and the outcomes, in the order of the file.

    Raises:
        DbkitError: an unknown name, or no server can be had. What stops one check only is its outcome.
    """
    criteria = chosen(claim, only)
    with open_stage(config, claim, tell) as stage:
        outcomes = [
            Outcome(number, criterion, tuple(_shown(stage, criterion, index) for index in range(len(criterion.checks))))
            for number, criterion in criteria
        ]
        return f"PostgreSQL {stage.server.version} ({stage.server.provider})", outcomes


def _shown(stage: Stage, criterion: Criterion, index: int) -> Shown:
    from dbkit.cli.failure import as_error

    check = criterion.checks[index]
    alone = check.alone or f"dbkit readiness {stage.claim.name} --only {criterion.name}"
    try:
        measured = check.measure(stage)
    except Exception as problem:  # the other criteria still want an answer, and this one has none
        error = as_error(problem)
        measured = Measured(
            f"not measured: {error.message}", "to be measured", "unverified", detail=error.detail, hint=error.hint
        )
    return Shown(type(check).__name__.lower(), alone, measured)


def report_of(claim: Claim, server: str, outcomes: Sequence[Outcome]) -> Report:
    """One finding a check: a note where it holds, an error where it misses its target or could not be measured."""
    report = Report("readiness", server=server)
    for outcome in outcomes:
        for check in outcome.checks:
            measured = check.measured
            report.findings.append(
                Finding(
                    rule=f"criterion_{measured.verdict}",
                    message=f"{outcome.criterion.says}: {measured.value} (target: {measured.target})",
                    severity=Severity.NOTE if measured.verdict == "met" else Severity.ERROR,
                    category=claim.name,
                    verdict={"met": "holds", "unverified": "unverified"}.get(measured.verdict),
                    object=outcome.criterion.name,
                    location=Location(str(claim.path)),
                    detail=measured.detail,
                    hint=measured.hint or (None if measured.verdict == "met" else f"Run: {check.alone}"),
                )
            )
    verdicts = [outcome.verdict for outcome in outcomes]
    report.summary = {
        "claim": claim.name,
        "title": claim.title,
        **{word: verdicts.count(word) for word in ("met", "missed", "unverified")},
        "left_out": [
            criterion.name for criterion in claim.criteria if criterion not in [done.criterion for done in outcomes]
        ],
        "criteria": [
            {
                "number": outcome.number,
                "name": outcome.criterion.name,
                "says": outcome.criterion.says,
                "verdict": outcome.verdict,
                "checks": [
                    {"kind": done.kind, "alone": done.alone, **asdict(done.measured)} for done in outcome.checks
                ],
            }
            for outcome in outcomes
        ],
    }
    return report

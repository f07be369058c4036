"""Turn a mutation run into the report: a finding for each mutant that nothing caught, and the score."""

from __future__ import annotations

from collections import Counter

from dbkit.leak.mutate.run import MutationRun
from dbkit.leak.mutate.survivors import Explained
from dbkit.leak.mutate.trial import IMPOSSIBLE, LEAKED, REFUSED, Trial
from dbkit.report import Evidence, Finding, Report, Severity

__all__ = ["closing_lines", "mutation_report"]


def mutation_report(
    run: MutationRun, explained: list[Explained], source: str | None = None, *, whole: bool = True
) -> Report:
    """Survivors that nobody explained are errors, explanations that explain nothing are warnings; the rest are notes.

    Args:
        source: the list of survivors, for messages.
        whole: all that the list speaks of was mutated; otherwise an entry may be about a module that is not there.
    """
    server = f"PostgreSQL {run.proof.model.relations.server_version}"
    report = Report("leak --mutate", server=server, threshold=Severity.WARNING)
    expected: list[Trial] = []
    for trial in run.trials:
        if trial.killed:
            continue
        entry = next((entry for entry in explained if entry.matches(trial.mutant.id)), None)
        if trial.verdict == IMPOSSIBLE:
            report.findings.append(_impossible(trial))
        elif entry is None:
            report.findings.append(_survivor(trial))
        else:
            expected.append(trial)
            report.findings.append(_expected(trial, entry))
    for entry in explained:
        matched = [trial for trial in run.trials if entry.matches(trial.mutant.id)]
        if all(trial.killed for trial in matched) and (matched or whole):
            report.findings.append(_stale(entry, source, caught=bool(matched)))
    report.summary = _summary(run, expected)
    return report


def closing_lines(report: Report) -> list[str]:
    """What was tried, and the score."""
    numbers = report.summary
    by_operator = [f"  {name}: {row['killed']} of {row['mutants']}" for name, row in numbers["operators"].items()]
    left_out = [f"  {count} × {reason}" for reason, count in numbers["equivalent"].items()]
    return [
        "caught, by what was broken:",
        *by_operator,
        *(["not made, since nothing could come of it:", *left_out] if left_out else []),
        f"{numbers['mutants']} mutants in {numbers['seconds']:.0f} s: {numbers['leaks']} shown as leaks, "
        f"{numbers['unverified']} no longer called proven, {numbers['survivors']} survived "
        f"({numbers['explained']} of them explained), {numbers['impossible']} could not be made",
        f"mutation score: {numbers['score']:.1f} %",
    ]


def _summary(run: MutationRun, expected: list[Trial]) -> dict[str, object]:
    made = [trial for trial in run.trials if trial.verdict != IMPOSSIBLE]
    killed = [trial for trial in made if trial.killed]
    judged = len(made) - len(expected)
    operators = {
        name: {
            "mutants": sum(trial.mutant.operator == name for trial in made),
            "killed": sum(trial.mutant.operator == name for trial in killed),
        }
        for name in dict.fromkeys(trial.mutant.operator for trial in made)
    }
    return {
        "mutants": len(run.trials),
        "leaks": sum(trial.verdict == LEAKED for trial in made),
        "unverified": sum(trial.verdict == REFUSED for trial in made),
        "survivors": len(made) - len(killed),
        "explained": len(expected),
        "impossible": len(run.trials) - len(made),
        # Of those that have to be caught: an explained survivor does not count either way.
        "score": 100.0 * len(killed) / judged if judged else 0.0,
        "seconds": round(run.seconds, 1),
        "operators": operators,
        "equivalent": dict(Counter(run.found.equivalent).most_common()),
        "killed": {trial.mutant.id: trial.by for trial in killed},
    }


def _survivor(trial: Trial) -> Finding:
    return Finding(
        rule="mutant_survived",
        message=f"the proof does not catch {trial.mutant.id}",
        category="PROOF",
        object=trial.mutant.id,
        detail=f"{trial.by[0].upper()}{trial.by[1:]}." if trial.by else "Every path still holds.",
        hint="Tell which attack would have to find it; if it lets nobody across, name it with the reason in the file "
        "that survivors under [tenancy] names.",
        evidence=Evidence(sql=";\n".join(trial.mutant.sql) + ";"),
    )


def _impossible(trial: Trial) -> Finding:
    return Finding(
        rule="mutant_not_made",
        message=f"the server refuses {trial.mutant.id}",
        severity=Severity.NOTE,
        object=trial.mutant.id,
        detail=f"{trial.by}.",
        evidence=Evidence(sql=";\n".join(trial.mutant.sql) + ";"),
    )


def _expected(trial: Trial, entry: Explained) -> Finding:
    return Finding(
        rule="mutant_survival_explained",
        message=f"{trial.mutant.id} survives",
        severity=Severity.NOTE,
        object=trial.mutant.id,
        detail=entry.reason,
        evidence=Evidence(sql=";\n".join(trial.mutant.sql) + ";"),
    )


def _stale(entry: Explained, source: str | None, *, caught: bool) -> Finding:
    return Finding(
        rule="survivor_out_of_date",
        message=f"{entry.mutant} is explained as a survivor and is {'caught now' if caught else 'no mutant'}",
        severity=Severity.WARNING,
        object=entry.mutant,
        hint=f"Remove the entry from {source}." if source else "Remove the entry.",
    )

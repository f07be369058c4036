"""Turn a proof into the report: what the checks found, and one finding for each (role, table, command)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from dbkit.leak.matrix import by_cell, plural
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, RoleProof
from dbkit.leak.proof import Proof
from dbkit.leak.risk import Risk
from dbkit.leak.rows import ATTACKER
from dbkit.leak.statements import REFERENCE
from dbkit.output.github import render_github
from dbkit.report import Evidence, Finding, Report, Severity
from dbkit.tenancy.model import Model

__all__ = ["closing_line", "closing_lines", "findings_of", "github_annotations", "report_of"]

# command -> (rule, class) of a leak
_RULES = {
    "SELECT": ("foreign_rows_readable", "POL-01"),
    "COPY TO": ("foreign_rows_readable", "POL-01"),
    "RETURNING": ("foreign_rows_readable", "POL-05"),
    "INSERT": ("foreign_row_insertable", "POL-04"),
    "UPDATE": ("foreign_rows_writable", "POL-05"),
    "DELETE": ("foreign_rows_deletable", "POL-05"),
    "UPSERT": ("foreign_rows_writable", "POL-04"),
    "MERGE": ("foreign_rows_writable", "POL-05"),
}
# state -> (rule, class) where it is the state that opens the rows
_STATE_RULES = {
    "none": ("open_without_context", "CTX-01"),
    "empty": ("open_without_context", "CTX-01"),
    "malformed": ("open_without_context", "CTX-01"),
    "residue": ("context_outlives_transaction", "CTX-03"),
    "reused": ("context_outlives_transaction", "CTX-03"),
    "forged": ("context_forgeable", "CTX-02"),
    "edited": ("identity_editable", "CTX-05"),
    "other": ("membership_not_checked", "CTX-02"),
    "suspended": ("suspended_member_admitted", "CTX-05"),
    "promoted": ("rank_reaches_other_tenants", "POL-06"),
}
# kind of relation -> class of a leak through it
_VIEW_CLASSES = {"v": "OBJ-01", "m": "OBJ-02", "f": "OBJ-06"}
_HINTS = {
    "open_without_context": "Let the policy compare the tenant column with the context and nothing else: NULL then "
    "admits no row.",
    "context_outlives_transaction": "Set the context with set_config(name, value, true) or SET LOCAL.",
    "context_forgeable": "Let the policy read the tenant through a function that verifies it (a sealed context), not "
    "through a setting anybody may write.",
    "identity_editable": "Let policies ask what only the administrator or another member writes: app_metadata, the "
    "memberships, a column its user may not update.",
    "membership_not_checked": "Let the context statement refuse a tenant the user has no active membership in.",
    "suspended_member_admitted": "Let the context statement look at the status of the membership.",
    "rank_reaches_other_tenants": "Ask for the rank in the row's own tenant: a helper without the tenant is true of "
    "whoever has the rank anywhere.",
    "reference_crosses_tenants": "Repeat the tenant column in the foreign key and in the key it references.",
    "view_bypasses_policies": "Create the view with (security_invoker = true); put a materialized view behind a "
    "function that filters by tenant, and revoke the privilege on it.",
    "foreign_rows_readable": "Compare the tenant column with the context in USING of every permissive policy.",
    "foreign_row_insertable": "Compare the tenant column with the context in WITH CHECK.",
    "foreign_rows_writable": "Compare the tenant column with the context in both USING and WITH CHECK.",
    "foreign_rows_deletable": "Compare the tenant column with the context in USING of the policy for DELETE.",
}


def report_of(proof: Proof) -> Report:
    """The report of a proof: what the catalog says, what proves nothing, then every path by role, table, command."""
    server = f"PostgreSQL {proof.model.relations.server_version}"
    # A warning is no leak: it is told, and leaves the exit code to what was proven.
    report = Report("leak", server=server, threshold=Severity.ERROR)
    report.findings += proof.findings
    report.findings += [_vacuous(role) for role in proof.roles if role.vacuous]
    for role in proof.roles:
        report.findings += findings_of(role, proof.model)
    verdicts = Counter(path.verdict for path in proof.paths)
    report.summary = {
        "tables": len({path.table for path in proof.paths}),
        "roles": len(proof.roles),
        "paths": len(proof.paths),
        "holds": verdicts[HOLDS],
        "leaks": verdicts[LEAK] + sum(finding.verdict == LEAK for finding in proof.findings),
        "unverified": verdicts[UNVERIFIED]
        + sum(finding.verdict == UNVERIFIED for finding in proof.findings)
        + sum(role.vacuous is not None for role in proof.roles),
        "row_notes": {name: rows.notes for name, rows in proof.population.tables.items() if rows.notes},
        "not_applicable": {f"{role.scope}/{role.role}": role.skipped_states for role in proof.roles},
        "context_completed": _completed(proof),
        "left_out": sorted(proof.model.relations.extension_tables),
        "guards": proof.guards,
    }
    return report


def findings_of(role: RoleProof, model: Model) -> Iterator[Finding]:
    """One finding for each table and command that a role attacked."""
    for paths in by_cell(role.paths).values():
        finding = _finding(paths, _VIEW_CLASSES.get(model.relations.tables[paths[0].table].kind))
        if role.vacuous is None or finding.verdict != UNVERIFIED:  # else one finding says it for all of them
            yield finding


def _completed(proof: Proof) -> dict[str, list[str]]:
    """Scope -> statements that the proof set beside the declared context, since policies ask for more."""
    return {scope: list(texts) for scope, texts in proof.population.identities[ATTACKER].completion.items() if texts}


def github_annotations(report: Report) -> str:
    """GitHub annotations of what is wrong, and of changes that somebody has to look at."""
    news = [finding for finding in report.findings if finding.severity >= Severity.WARNING]
    news += [finding for finding in report.findings if finding.category == Risk.REVIEW and finding not in news]
    return render_github(replace(report, findings=news))


def closing_lines(report: Report) -> list[str]:
    """What a person reads last: what was left out, what a change adds, and the numbers.

    The last line is `11 tables, 704 paths: 704 hold, 0 leak, 0 unverified`.
    """
    numbers, lines = report.summary, []
    for scope, statements in numbers.get("context_completed", {}).items():
        lines.append(f"the context of scope {scope} was completed with what policies ask: {'; '.join(statements)}")
    if numbers["left_out"]:
        lines.append("left out, owned by extensions: " + ", ".join(numbers["left_out"]))
    if "against" in numbers:
        lines.append(f"against {numbers['against']}: {numbers['added']} added, {numbers['known']} there before")
        changes = numbers["changes"]
        if changes is None:
            lines.append("changes of guards: not compared, the saved report holds none")
        else:
            shown = ", ".join(f"{number} {risk}" for risk, number in changes.items())
            lines.append(f"changes of guards: {shown}")
    if numbers.get("mode") == "static":
        lines.append(f"{plural(numbers['tables'], 'table')}: {numbers['leaks']} leak, the rest not proven")
    else:
        judged = numbers["holds"] + numbers["leaks"] + numbers["unverified"]
        beside = judged - numbers["paths"]  # what was found about keys, functions and views
        lines.append(
            f"{plural(numbers['tables'], 'table')}, {plural(numbers['paths'], 'path')}"
            + (f" and {plural(beside, 'finding')} beside them" if beside > 0 else "")
            + f": {numbers['holds']} hold, {numbers['leaks']} leak, {numbers['unverified']} unverified"
        )
    return lines


def closing_line(report: Report) -> str:
    """The numbers alone."""
    return closing_lines(report)[-1]


def _finding(paths: list[Path], view_class: str | None) -> Finding:
    """One finding for one role, table and command over all context states."""
    first = paths[0]
    leaking = [path for path in paths if path.verdict == LEAK]
    open_questions = [path for path in paths if path.verdict == UNVERIFIED]
    where = f"{first.command} on {first.table} as {first.role}"
    if leaking:
        shown = leaking[0]
        rule, category = _STATE_RULES.get(shown.state) or _RULES[shown.command]
        if REFERENCE in shown.reason:
            rule, category = "reference_crosses_tenants", "RI-01"
        elif view_class is not None:
            rule, category = "view_bypasses_policies", view_class
        return Finding(
            rule=rule,
            message=f"{where} crosses tenants in {len(leaking)} of {plural(len(paths), 'context state')}",
            category=category,
            verdict=LEAK,
            object=first.table,
            detail=f"{'; '.join(path.reason for path in leaking)}.",
            hint=_HINTS[rule],
            evidence=Evidence(shown.sql, shown.witness, shown.control),
        )
    if open_questions:
        shown = open_questions[0]
        return Finding(
            rule="path_unverified",
            message=f"{where} could not be proven in {len(open_questions)} of {plural(len(paths), 'context state')}",
            severity=Severity.WARNING,
            verdict=UNVERIFIED,
            object=first.table,
            detail=_sentence(shown.reason),
            hint="Give rows what they need under [tenancy.values], or name existing tenants under [[tenancy.samples]].",
            evidence=Evidence(shown.sql or None, None, shown.control or None),
        )
    reasons = "; ".join(f"{path.state}: {path.reason}" for path in paths)
    return Finding(
        rule="path_holds",
        message=f"{where} stays inside the tenant in {plural(len(paths), 'context state')}",
        severity=Severity.NOTE,
        verdict=HOLDS,
        object=first.table,
        detail=_sentence(reasons),
        evidence=Evidence(first.sql, None, first.control),
    )


def _vacuous(role: RoleProof) -> Finding:
    tables = sorted({path.table for path in role.paths if path.verdict == UNVERIFIED})
    return Finding(
        rule="proof_is_vacuous",
        message=f"the proof as {role.role} is vacuous: the context changes nothing",
        severity=Severity.WARNING,
        verdict=UNVERIFIED,
        object=role.role,
        detail=f"{_sentence(role.vacuous or '')} Not proven for that: {', '.join(tables) or 'nothing'}.",
        hint="Correct context under [tenancy] so that it is what a request really runs.",
    )


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."

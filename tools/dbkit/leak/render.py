"""Turn a proof into the report: one finding for each (role, table, command), and the matrix a person reads."""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable

from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, RoleProof
from dbkit.leak.proof import Proof
from dbkit.leak.statements import COMMANDS, REFERENCE
from dbkit.report import Evidence, Finding, Report, Severity, render_github

__all__ = ["closing_line", "github_annotations", "matrix", "report_of"]

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
    "forged": ("context_forgeable", "CTX-02"),
    "other": ("membership_not_checked", "CTX-02"),
    "suspended": ("suspended_member_admitted", "CTX-05"),
}
_HINTS = {
    "open_without_context": "Let the policy compare the tenant column with the context and nothing else: NULL then "
    "admits no row.",
    "context_outlives_transaction": "Set the context with set_config(name, value, true) or SET LOCAL.",
    "context_forgeable": "Let the policy read the tenant through a function that verifies it (a sealed context), not "
    "through a setting anybody may write.",
    "membership_not_checked": "Let the context statement refuse a tenant the user has no active membership in.",
    "suspended_member_admitted": "Let the context statement look at the status of the membership.",
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
    report = Report("leak", server=f"PostgreSQL {proof.model.relations.server_version}")
    report.findings += proof.findings
    report.findings += [_vacuous(role) for role in proof.roles if role.vacuous]
    views = {name for name, table in proof.model.relations.tables.items() if table.kind in ("v", "m", "f")}
    for role in proof.roles:
        for paths in _by_cell(role.paths).values():
            report.findings.append(_finding(paths, of_view=paths[0].table in views))
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
    }
    return report


def github_annotations(report: Report) -> str:
    """GitHub annotations of what is wrong; what holds is no news there."""
    wrong = [finding for finding in report.findings if finding.severity >= Severity.WARNING]
    return render_github(Report(report.command, wrong))


def closing_line(report: Report) -> str:
    """`11 tables, 704 paths: 704 hold, 0 leak, 0 unverified`."""
    numbers = report.summary
    return (
        f"{_plural(numbers['tables'], 'table')}, {_plural(numbers['paths'], 'path')}: {numbers['holds']} hold, "
        f"{numbers['leaks']} leak, {numbers['unverified']} unverified"
    )


def matrix(proof: Proof, report: Report) -> str:
    """Table × command for each role with counts of context states, then why for everything that does not hold."""
    parts = [_role_matrix(role) for role in proof.roles]
    problems = [finding for finding in report.findings if finding.severity >= Severity.WARNING]
    if problems:
        parts.append("\n\n".join(_explained(finding) for finding in problems))
    return "\n\n".join(parts)


def _by_cell(paths: Iterable[Path]) -> dict[tuple[str, str], list[Path]]:
    cells: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in paths:
        cells[path.table, path.command].append(path)
    return cells


def _finding(paths: list[Path], *, of_view: bool) -> Finding:
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
        elif of_view:
            rule, category = "view_bypasses_policies", "OBJ-01"
        return Finding(
            rule=rule,
            message=f"{where} crosses tenants in {len(leaking)} of {_plural(len(paths), 'context state')}",
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
            message=f"{where} could not be proven in {len(open_questions)} of {_plural(len(paths), 'context state')}",
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
        message=f"{where} stays inside the tenant in {_plural(len(paths), 'context state')}",
        severity=Severity.NOTE,
        verdict=HOLDS,
        object=first.table,
        detail=_sentence(reasons),
        evidence=Evidence(first.sql, None, first.control),
    )


def _vacuous(role: RoleProof) -> Finding:
    return Finding(
        rule="proof_is_vacuous",
        message=f"the proof as {role.role} is vacuous: the context changes nothing",
        severity=Severity.WARNING,
        verdict=UNVERIFIED,
        object=role.role,
        detail=_sentence(role.vacuous or ""),
        hint="Correct context under [tenancy] so that it is what a request really runs.",
    )


def _role_matrix(role: RoleProof) -> str:
    cells = _by_cell(role.paths)
    tables = list(dict.fromkeys(path.table for path in role.paths))
    states = len({path.state for path in role.paths})
    title = f"{role.role} (scope {role.scope}): {_plural(states, 'context state')} each"
    rows = [[table, *(_cell(cells[table, command]) for command in COMMANDS)] for table in tables]
    skipped = [f"not applicable: {state} ({reason})" for state, reason in role.skipped_states.items()]
    if sys.stdout.isatty():
        return "\n".join([_rich_table(title, rows), *skipped])
    widths = [max(len(row[i]) for row in [["", *COMMANDS], *rows]) for i in range(len(COMMANDS) + 1)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in [["", *COMMANDS], *rows]
    ]
    return "\n".join([title, *lines, *skipped])


def _cell(paths: list[Path]) -> str:
    """`8 hold`, `2 LEAK`, `1 open`, `no grant` where no state permits the command, `-` where it was not tried."""
    if not paths:
        return "-"
    verdicts = Counter(path.verdict for path in paths)
    if verdicts[LEAK]:
        return f"{verdicts[LEAK]} LEAK"
    if verdicts[UNVERIFIED]:
        return f"{verdicts[UNVERIFIED]} open"
    if all(path.reason == "no privilege" for path in paths):
        return "no grant"
    return f"{verdicts[HOLDS]} hold"


def _rich_table(title: str, rows: list[list[str]]) -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for command in COMMANDS:
        table.add_column(command)
    colours = {"LEAK": "bold red", "open": "yellow", "hold": "green", "grant": "dim", "-": "dim"}
    for name, *cells in rows:
        table.add_row(name, *(f"[{colours[cell.split()[-1]]}]{cell}[/]" for cell in cells))
    console = Console(color_system=None) if os.environ.get("NO_COLOR") else Console()
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()


def _explained(finding: Finding) -> str:
    """A finding with its evidence, indented below it."""
    lines = [f"{finding.severity}: {finding.message} [{finding.rule}]"]
    evidence = finding.evidence
    parts = [("detail", finding.detail), ("hint", finding.hint)]
    if evidence and finding.verdict == LEAK:
        parts += [("witness", evidence.witness), ("shown by", evidence.sql), ("control", evidence.control)]
    for label, text in parts:
        if text:
            lines.append(f"    {label}: " + text.replace("\n", "\n        "))
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

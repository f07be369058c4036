"""The report as one HTML page that needs nothing else: no network, no script for reading, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from dbkit import __version__
from dbkit.leak.matrix import Cell, cells, plural
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, RoleProof
from dbkit.leak.proof import Proof
from dbkit.leak.render import closing_lines
from dbkit.leak.statements import COMMANDS
from dbkit.report import Finding, Report, Severity
from dbkit.tenancy.model import Model

__all__ = ["page"]

# verdict -> (word, class) as the page shows it
_SHOWN = {LEAK: ("leak", "LEAK"), UNVERIFIED: ("unverified", "open"), HOLDS: ("holds", "hold")}
_FILTER = (("LEAK", "leak"), ("open", "unverified"), ("note", "other findings"), ("hold", "holds"))
_OUTCOMES = {
    0: ("hold", "Every path holds: no tenant reaches another."),
    1: ("LEAK", "Tenants are not isolated from each other."),
    2: ("open", "Not proven: some paths could not be verified."),
}


def page(proof: Proof | None, report: Report) -> str:
    """The page, without a trailing newline.

    Args:
        proof: for the matrix; None where nothing was attacked.
    """
    wrong = [finding for finding in report.findings if finding.verdict != HOLDS]
    kind, outcome = _OUTCOMES[report.exit_code]
    if report.exit_code == 1 and not any(finding.verdict == LEAK for finding in wrong):
        kind, outcome = "open", "No leak was shown; there are warnings to look at."
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>Tenant isolation: dbkit leak</title>",
        f"<style>\n{_resource('page.css')}</style>",
        "</head>",
        "<body>",
        "<header>",
        "<h1>Tenant isolation</h1>",
        f'<p class="quiet">dbkit leak {escape(__version__)}, {escape(report.server or "")}</p>',
        "</header>",
        "<main>",
        f'<p class="verdict {kind}" role="status">{outcome}</p>',
        *_numbers(report),
        *(f'<p class="quiet">{escape(line)}</p>' for line in closing_lines(report)[:-1]),
        *_filter(),
        '<section aria-labelledby="findings">',
        '<h2 id="findings">Findings</h2>',
        *_findings(wrong),
        "</section>",
        '<section aria-labelledby="matrix">',
        '<h2 id="matrix">Who reaches what</h2>',
        *(_matrix(proof) if proof else ["<p>Nothing was attacked.</p>"]),
        "</section>",
        "</main>",
        f"<script>\n{_resource('page.js')}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(part for part in parts if part)


def _resource(name: str) -> str:
    return (files("dbkit.leak") / name).read_text(encoding="utf-8")


def _numbers(report: Report) -> Iterator[str]:
    yield '<ul class="numbers">'
    for key, label in (
        ("roles", "roles"),
        ("tables", "tables and views"),
        ("paths", "paths attacked"),
        ("holds", "hold"),
        ("leaks", "leak"),
        ("unverified", "unverified"),
    ):
        if key in report.summary:
            yield f"<li><b>{report.summary[key]}</b> {label}</li>"
    yield "</ul>"


def _filter() -> Iterator[str]:
    """Hidden until the script, which it needs, shows it."""
    yield '<form class="filter" role="search" aria-label="Filter findings and tables" hidden onsubmit="return false">'
    yield '<label>Filter <input type="search" placeholder="table, rule, role, words" autocomplete="off"></label>'
    for value, label in _FILTER:
        yield f'<label><input type="checkbox" value="{value}" checked> {label}</label>'
    yield '<output class="quiet" aria-live="polite"></output>'
    yield "</form>"


def _findings(findings: list[Finding]) -> Iterator[str]:
    """Errors and warnings, the worst first; notes folded below them, which say what is as it should be."""
    worst_first = sorted(findings, key=lambda finding: -finding.severity)
    problems = [finding for finding in worst_first if finding.severity >= Severity.WARNING]
    notes = [finding for finding in worst_first if finding not in problems]
    if not problems:
        yield "<p>None.</p>"
    for finding in problems:
        yield from _finding(finding)
    if notes:
        yield f'<details class="notes"><summary>{plural(len(notes), "note")}</summary>'
        for finding in notes:
            yield from _finding(finding)
        yield "</details>"


def _finding(finding: Finding) -> Iterator[str]:
    word, kind = _SHOWN.get(finding.verdict or "", (str(finding.severity), "note"))
    evidence = finding.evidence
    place = str(finding.location) if finding.location else None
    words = " ".join(filter(None, [finding.rule, finding.category, finding.object, finding.message, place])).lower()
    is_open = " open" if finding.severity is Severity.ERROR else ""
    yield f'<details class="finding"{is_open} data-verdicts="{kind}" data-words="{escape(words)}">'
    yield f'<summary><span class="tag {kind}">{escape(word)}</span>{escape(finding.message)}</summary>'
    yield "<div><dl>"
    codes = " ".join(filter(None, [finding.rule, finding.category]))
    for label, text in (("Rule", codes), ("Where", place), ("Why", finding.detail), ("What to do", finding.hint)):
        if text:
            yield f"<dt>{label}</dt><dd>{escape(text)}</dd>"
    if evidence:
        if evidence.witness:
            yield f"<dt>Witness: what came back</dt><dd><pre>{escape(evidence.witness)}</pre></dd>"
        if evidence.sql:
            yield f'<dt>SQL that shows it</dt><dd><pre class="sql">{escape(evidence.sql)}</pre></dd>'
        if evidence.control:
            yield f"<dt>Control: the same on the own rows</dt><dd><pre>{escape(evidence.control)}</pre></dd>"
    yield "</dl></div></details>"


def _matrix(proof: Proof) -> Iterator[str]:
    yield "<p>A cell counts context states, the ways a request can come. Open one to see why.</p>"
    for role in proof.roles:
        yield from _role(proof.model, role)


def _role(model: Model, role: RoleProof) -> Iterator[str]:
    found = cells(model, role)
    states = len({path.state for path in role.paths})
    yield '<div class="scroll"><table>'
    yield f"<caption><b>{escape(role.role)}</b> (scope {escape(role.scope)}): {plural(states, 'context state')} each"
    for state, reason in role.skipped_states.items():
        yield f'<br><span class="quiet">not applicable: {escape(state)} ({escape(reason)})</span>'
    if role.vacuous:
        yield f'<br><span class="open">vacuous: {escape(role.vacuous)}</span>'
    yield "</caption>"
    heads = "".join(f'<th scope="col">{command}</th>' for command in COMMANDS)
    yield f'<thead><tr><th scope="col">table</th>{heads}</tr></thead><tbody>'
    for table, row in found.items():
        verdicts = " ".join(sorted({_verdict_class(cell) for cell in row.values()}))
        yield f'<tr data-verdicts="{verdicts}" data-words="{escape(f"{table} {role.role}".lower())}">'
        yield f'<th scope="row">{escape(table)}</th>'
        for command, cell in row.items():
            yield from _cell(f"{command} on {table} as {role.role}", cell)
        yield "</tr>"
    yield "</tbody></table></div>"


def _verdict_class(cell: Cell) -> str:
    return cell.word if cell.word in ("LEAK", "open") else "hold"


def _cell(title: str, cell: Cell) -> Iterator[str]:
    if not cell.paths:
        yield f'<td class="none"><span>{escape(cell.text)}</span></td>'
        return
    kind = _verdict_class(cell) if cell.text != "no grant" else "none"
    yield f'<td class="{kind}"><details><summary aria-label="{escape(f"{title}: {cell.text}")}">{escape(cell.text)}'
    yield f"</summary><div><p>{escape(cell.why)}</p><ul>"
    for reason, states in _by_reason(cell.paths).items():
        yield f"<li>{escape(', '.join(states))}: {escape(reason)}</li>"
    yield "</ul>"
    shown = next((path for path in cell.paths if path.verdict == LEAK), cell.paths[0])
    if shown.sql:
        yield f'<pre class="sql">{escape(shown.sql)}</pre>'
    if shown.control:
        yield f"<p>Control</p><pre>{escape(shown.control)}</pre>"
    yield "</div></details></td>"


def _by_reason(paths: tuple[Path, ...]) -> dict[str, list[str]]:
    """Verdict and reason -> the states that share them."""
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(f"{_SHOWN[path.verdict][0]}, {path.reason}", []).append(path.state)
    return found

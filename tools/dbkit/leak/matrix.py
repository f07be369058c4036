"""Who reaches what: role × table × command with the reason of each verdict, as a person reads it on a terminal.

`cells` is the one answer that the terminal and the HTML report show.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, RoleProof
from dbkit.leak.proof import Proof
from dbkit.leak.statements import COMMANDS
from dbkit.report import Finding, Report, Severity
from dbkit.tenancy.model import Model
from dbkit.tenancy.relations import Policy, Table

__all__ = ["Cell", "by_cell", "cells", "explained", "matrix", "plural"]

# command -> commands whose policies judge it
_JUDGED_BY = {
    "SELECT": ("select",),
    "COPY TO": ("select",),
    "INSERT": ("insert",),
    "UPDATE": ("update",),
    "DELETE": ("delete",),
    "UPSERT": ("insert", "update"),
    "MERGE": ("insert", "update", "delete"),
    "RETURNING": ("update", "delete", "select"),
}
_NO_PRIVILEGE = "no privilege"


@dataclass(frozen=True)
class Cell:
    """One role's verdict on one command on one table, over all context states.

    Attributes:
        text: `8 hold`, `2 LEAK`, `1 open`, `no grant` where no state permits the command, `-` where it was not tried.
        why: the reasons in words, with the policies that judge the command.
        paths: what was tried.
    """

    text: str
    why: str = ""
    paths: tuple[Path, ...] = ()

    @property
    def word(self) -> str:
        """The verdict alone: LEAK, open, hold, grant or -."""
        return self.text.split()[-1]


def by_cell(paths: Iterable[Path]) -> dict[tuple[str, str], list[Path]]:
    """(table, command) -> its paths, in order of appearance."""
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in paths:
        found[path.table, path.command].append(path)
    return found


def cells(model: Model, role: RoleProof) -> dict[str, dict[str, Cell]]:
    """Table -> command -> cell, every command of COMMANDS for every table that was attacked."""
    found = by_cell(role.paths)
    tables = list(dict.fromkeys(path.table for path in role.paths))
    return {
        table: {command: _cell(model, role, table, command, found.get((table, command), [])) for command in COMMANDS}
        for table in tables
    }


def matrix(proof: Proof | None, report: Report) -> str:
    """Table × command for each role with counts of context states, then why for everything that does not hold.

    Args:
        proof: None where nothing was attacked; only findings are shown then.
    """
    parts = [_role_matrix(proof.model, role) for role in proof.roles] if proof else []
    problems = [finding for finding in report.findings if finding.severity >= Severity.WARNING]
    if problems:
        parts.append("\n\n".join(explained(finding) for finding in problems))
    if "against" in report.summary:
        parts += [changes] if (changes := _lesser_changes(report)) else []
    return "\n\n".join(parts)


def _lesser_changes(report: Report) -> str:
    """Changes of guards that are no problem by themselves, a line each."""
    notes = [finding for finding in report.findings if finding.severity < Severity.WARNING]
    return "\n".join(f"{finding.message} ({finding.detail})" for finding in notes)


def explained(finding: Finding) -> str:
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


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _cell(model: Model, role: RoleProof, table: str, command: str, paths: list[Path]) -> Cell:
    if not paths:
        return Cell("-")
    verdicts = Counter(path.verdict for path in paths)
    for verdict, word in ((LEAK, "LEAK"), (UNVERIFIED, "open")):
        if verdicts[verdict]:
            reasons = list(dict.fromkeys(path.reason for path in paths if path.verdict == verdict))
            more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
            return Cell(f"{verdicts[verdict]} {word}", reasons[0] + more, tuple(paths))
    if all(path.reason == _NO_PRIVILEGE for path in paths):
        return Cell("no grant", "no privilege on the table", tuple(paths))
    return Cell(f"{verdicts[HOLDS]} hold", _why_held(model, role, table, command, paths), tuple(paths))


def _why_held(model: Model, role: RoleProof, table: str, command: str, paths: list[Path]) -> str:
    """The reason in the caller's own context, and the policies behind it."""
    own = next((path for path in paths if path.state == "right"), paths[0])
    reason = own.reason.replace(" for table " + f'"{table.rpartition(".")[2]}"', "")
    if reason == _NO_PRIVILEGE:
        return "no privilege in the caller's own context"
    relation = model.relations.tables.get(table)
    names = _policies(model, role.role, relation, command) if relation else []
    return f"{reason} (by {', '.join(names)})" if names else reason


def _policies(model: Model, role: str, table: Table, command: str) -> list[str]:
    known = model.relations.roles.get(role)
    mine = {"public", role, *(known.may_become if known else ())}

    def judges(policy: Policy) -> bool:
        return bool(mine & set(policy.roles)) and policy.command in ("all", *_JUDGED_BY[command])

    return [policy.name for policy in table.policies if table.rls and judges(policy)]


def _role_matrix(model: Model, role: RoleProof) -> str:
    found = cells(model, role)
    states = len({path.state for path in role.paths})
    title = f"{role.role} (scope {role.scope}): {plural(states, 'context state')} each"
    rows = [[table, *(cell.text for cell in row.values())] for table, row in found.items()]
    reasons = [_row_reasons(row) for row in found.values()]
    skipped = [f"not applicable: {state} ({reason})" for state, reason in role.skipped_states.items()]
    if sys.stdout.isatty():
        return "\n".join([_rich_table(title, rows, reasons), *skipped])
    widths = [max(len(row[i]) for row in [["", *COMMANDS], *rows]) for i in range(len(COMMANDS) + 1)]

    def line(row: list[str]) -> str:
        return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()

    lines = [title, line(["", *COMMANDS])]
    for row, why in zip(rows, reasons, strict=True):
        lines += [line(row), *(f"    {text}" for text in why)]
    return "\n".join([*lines, *skipped])


def _row_reasons(row: Mapping[str, Cell]) -> list[str]:
    """Why, once for all commands that share a reason."""
    commands: dict[str, list[str]] = defaultdict(list)
    for command, cell in row.items():
        if cell.why and cell.text != "no grant":
            commands[cell.why].append(command)
    return [f"{', '.join(names)}: {why}" for why, names in commands.items()]


def _rich_table(title: str, rows: list[list[str]], reasons: list[list[str]]) -> str:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as RichTable

    table = RichTable(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for command in COMMANDS:
        table.add_column(command)
    colours = {"LEAK": "bold red", "open": "yellow", "hold": "green", "grant": "dim", "-": "dim"}
    for name, *texts in rows:
        table.add_row(name, *(f"[{colours[text.split()[-1]]}]{text}[/]" for text in texts))
    console = Console(color_system=None) if os.environ.get("NO_COLOR") else Console()
    with console.capture() as capture:
        console.print(table)
        for (name, *_), why in zip(rows, reasons, strict=True):
            for text in why:
                console.print(f"[dim]{escape(name)}  {escape(text)}[/]", highlight=False)
    return capture.get().rstrip()

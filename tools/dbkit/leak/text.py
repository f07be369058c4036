"""The report of a proof as a person reads it on a terminal: a matrix for each role, then whatever does not hold.

By default a table is one line, and what holds many tables is said once below them; `verbose` says it under each table.
"""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import click

from dbkit.leak.matrix import NO_GRANT, NOT_TRIED, Cell, cells, plural
from dbkit.leak.paths import LEAK, RoleProof
from dbkit.leak.patterns import name_patterns
from dbkit.leak.proof import Proof
from dbkit.leak.statements import COMMANDS
from dbkit.report import Finding, Report, Severity
from dbkit.tenancy.model import Model

__all__ = ["explained", "matrix"]

_COLOURS = {"LEAK": "red", "open": "yellow", "hold": "green"}
_VERDICTS = re.compile(r"\d+ (LEAK|open|hold)")
_WIDTH = 120
_LABEL = 10
# So many tables are named where a reason is theirs alone; of a reason that is everybody's they are counted.
_NAMED = 3

_Table = tuple[str, Mapping[str, Cell]]


def matrix(proof: Proof | None, report: Report, *, verbose: bool = False) -> str:
    """Table × command for each role with counts of context states, then why for everything that does not hold.

    Args:
        proof: None where nothing was attacked; only findings are shown then.
        verbose: a line for every table, one that no command is granted on too, and the reasons under each.
    """
    shown = _every_table if verbose else _summed_up
    parts = [shown(proof.model, role) for role in proof.roles] if proof else []
    problems = [finding for finding in report.findings if finding.severity >= Severity.WARNING]
    if problems:
        parts.append("\n\n".join(explained(finding) for finding in problems))
    if "against" in report.summary:
        parts += [changes] if (changes := _lesser_changes(report)) else []
    return "\n\n".join(parts)


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


def _lesser_changes(report: Report) -> str:
    """Changes of guards that are no problem by themselves, a line each."""
    notes = [finding for finding in report.findings if finding.severity < Severity.WARNING]
    return "\n".join(f"{finding.message} ({finding.detail})" for finding in notes)


def _every_table(model: Model, role: RoleProof) -> str:
    tables = list(cells(model, role).items())
    return "\n".join([_title(role), *_grid(tables, _reasons), *_not_applicable(role)])


def _summed_up(model: Model, role: RoleProof) -> str:
    """A line for each table that a command is granted on, then once what is the same for many of them."""
    tables = list(cells(model, role).items())
    granted = [(name, row) for name, row in tables if any(cell.text != NO_GRANT for cell in row.values())]
    partly = any(cell.text == NO_GRANT for _, row in granted for cell in row.values())
    lines = [_title(role) + (", - is no grant" if partly else "")]
    if granted:
        brief = [(name, {command: _brief(cell) for command, cell in row.items()}) for name, row in granted]
        lines += [*_grid(brief, _problems), *_labelled("why", _shared_reasons(granted))]
        lines += _labelled("policies", _shared_policies(granted))
    names = [name for name, row in tables if (name, row) not in granted]
    if names:
        lines += _labelled("no grant", [f"{plural(len(names), 'table')}: {', '.join(names)}"])
    return "\n".join([*lines, *_not_applicable(role)])


def _title(role: RoleProof) -> str:
    states = len({path.state for path in role.paths})
    return f"{role.role} (scope {role.scope}): {plural(states, 'context state')} each"


def _not_applicable(role: RoleProof) -> list[str]:
    return [f"not applicable: {state} ({reason})" for state, reason in role.skipped_states.items()]


def _grid(tables: Sequence[_Table], reasons: Callable[[Mapping[str, Cell]], Iterable[str]]) -> Iterator[str]:
    """The heads, then a line a table with its reasons below it."""
    rows = [(name, [cell.text for cell in row.values()]) for name, row in tables]
    widths = [max(len(texts[i]) for _, texts in [("", COMMANDS), *rows]) for i in range(len(COMMANDS))]
    first = max(len(name) for name, _ in rows)

    def line(name: str, texts: Iterable[str]) -> str:
        return "  ".join([name.ljust(first), *map(str.ljust, texts, widths)]).rstrip()

    yield line("", COMMANDS)
    for (_, row), (name, texts) in zip(tables, rows, strict=True):
        plain = line(name, texts)
        yield plain[:first] + _VERDICTS.sub(_coloured, plain[first:])
        yield from (f"    {text}" for text in reasons(row))


def _coloured(verdict: re.Match[str]) -> str:
    return click.style(verdict.group(), fg=_COLOURS[verdict.group(1)], bold=verdict.group(1) == "LEAK")


def _brief(cell: Cell) -> Cell:
    return replace(cell, text={NO_GRANT: "-", NOT_TRIED: ""}.get(cell.text, cell.text))


def _reasons(row: Mapping[str, Cell]) -> list[str]:
    """Why, once for all commands that share a reason."""
    commands: dict[str, list[str]] = defaultdict(list)
    for command, cell in row.items():
        if cell.why and cell.text != NO_GRANT:
            commands[cell.why].append(command)
    return [f"{', '.join(names)}: {why}" for why, names in commands.items()]


def _problems(row: Mapping[str, Cell]) -> list[str]:
    return _reasons({command: cell for command, cell in row.items() if cell.word in ("LEAK", "open")})


def _shared_reasons(tables: Sequence[_Table]) -> Iterator[str]:
    """`SELECT, COPY TO on 12 tables: the own rows only`, a line for each reason that something holds."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, row in tables:
        for command, cell in row.items():
            if cell.word == "hold":
                found[cell.reason].append((command, name))
    for reason, places in found.items():
        commands = [command for command in COMMANDS if any(command == each for each, _ in places)]
        names = list(dict.fromkeys(name for _, name in places))
        where = ", ".join(names) if len(names) <= _NAMED else plural(len(names), "table")
        yield f"{', '.join(commands)} on {where}: {reason}"


def _shared_policies(tables: Sequence[_Table]) -> Iterator[str]:
    """`{select,update}_members: app.notes, app.tasks`, a line for each set of names that tables have in common."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, row in tables:
        policies = dict.fromkeys(policy for cell in row.values() for policy in cell.policies)
        if policies:
            shown = ", ".join(name_patterns(policies))
            found[_word(name).sub("<table>", shown)].append((name, shown))
    for pattern, places in found.items():
        yield f"{pattern if len(places) > 1 else places[0][1]}: {', '.join(name for name, _ in places)}"


def _word(table: str) -> re.Pattern[str]:
    """The table's own name inside the name of a policy."""
    return re.compile(rf"(?<![^\W_]){re.escape(table.rpartition('.')[2])}(?![^\W_])")


def _labelled(label: str, texts: Iterable[str]) -> list[str]:
    """Texts below each other beside a label, each wrapped."""
    lines: list[str] = []
    for text in texts:
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=(label if not lines else "").ljust(_LABEL),
            subsequent_indent=" " * (_LABEL + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines

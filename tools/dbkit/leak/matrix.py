"""Who reaches what: role × table × command with the reason of each verdict, for terminal and HTML alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, RoleProof
from dbkit.leak.statements import COMMANDS
from dbkit.tenancy.model import Model
from dbkit.tenancy.relations import Policy, Table

__all__ = ["NOT_TRIED", "NO_GRANT", "Cell", "by_cell", "cells", "plural"]

NO_GRANT = "no grant"
NOT_TRIED = "-"

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
        reason: why it came out so, in words.
        policies: names of those that judge the command, where it holds by them.
        paths: what was tried.
    """

    text: str
    reason: str = ""
    policies: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()

    @property
    def why(self) -> str:
        """The reason with the policies behind it."""
        return f"{self.reason} (by {', '.join(self.policies)})" if self.policies else self.reason

    @property
    def word(self) -> str:
        """The verdict alone: LEAK, open, hold, grant or -."""
        return self.text.rpartition(" ")[2]


def by_cell(paths: Iterable[Path]) -> dict[tuple[str, str], list[Path]]:
    """(table, command) -> its paths, in order of appearance."""
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in paths:
        found[path.table, path.command].append(path)
    return found


def cells(model: Model, role: RoleProof) -> dict[str, dict[str, Cell]]:
    """Table -> command -> cell, every command of COMMANDS for every table that was attacked."""
    found = by_cell(role.paths)
    tables = dict.fromkeys(path.table for path in role.paths)
    return {
        table: {command: _cell(model, role, table, command, found.get((table, command), [])) for command in COMMANDS}
        for table in tables
    }


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _cell(model: Model, role: RoleProof, table: str, command: str, paths: list[Path]) -> Cell:
    if not paths:
        return Cell(NOT_TRIED)
    verdicts = Counter(path.verdict for path in paths)
    for verdict, word in ((LEAK, "LEAK"), (UNVERIFIED, "open")):
        if verdicts[verdict]:
            reasons = list(dict.fromkeys(path.reason for path in paths if path.verdict == verdict))
            more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
            return Cell(f"{verdicts[verdict]} {word}", reasons[0] + more, paths=tuple(paths))
    if all(path.reason == _NO_PRIVILEGE for path in paths):
        return Cell(NO_GRANT, "no privilege on the table", paths=tuple(paths))
    return Cell(f"{verdicts[HOLDS]} hold", *_why_held(model, role, table, command, paths), tuple(paths))


def _why_held(
    model: Model, role: RoleProof, table: str, command: str, paths: list[Path]
) -> tuple[str, tuple[str, ...]]:
    """The reason in the caller's own context, and the policies behind it."""
    own = next((path for path in paths if path.state == "right"), paths[0])
    reason = own.reason.replace(" for table " + f'"{table.rpartition(".")[2]}"', "")
    if reason == _NO_PRIVILEGE:
        return "no privilege in the caller's own context", ()
    relation = model.relations.tables.get(table)
    return reason, _policies(model, role.role, relation, command) if relation else ()


def _policies(model: Model, role: str, table: Table, command: str) -> tuple[str, ...]:
    known = model.relations.roles.get(role)
    mine = {"public", role, *(known.may_become if known else ())}

    def judges(policy: Policy) -> bool:
        return bool(mine & set(policy.roles)) and policy.command in ("all", *_JUDGED_BY[command])

    return tuple(policy.name for policy in table.policies if table.rls and judges(policy))

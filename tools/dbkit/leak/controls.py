"""Find out for one table what each attack gives where it may: on the caller's own rows, and as the administrator.

An attack that touches nothing proves something only beside its control: the permitted twin works on the caller's own
rows, and the same statement run by the administrator does reach the victim's. What the attacks themselves give is
judged by `judge`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dbkit.leak.attacker import Attacker
from dbkit.leak.contexts import State, allowed_slots
from dbkit.leak.references import crossing_values, fellow_values, leading_columns
from dbkit.leak.replica import AS_REPLICA
from dbkit.leak.rows import ATTACKER, COLLEAGUE, SLOTS, VICTIM, Population, TableRows, identify
from dbkit.leak.session import Outcome
from dbkit.leak.statements import FELLOW, LED, REFERENCE, Variant, build_variants
from dbkit.tenancy.expressions import arms
from dbkit.tenancy.model import Model, ScopeModel, TableModel
from dbkit.tenancy.relations import Privileges, literal

__all__ = ["ENDLESS", "PATIENCE", "Control", "Target", "take_controls"]

# What a table's own policies run into whatever is asked; each costs a second or so, so it is not asked for ever.
ENDLESS = ("57014", "54001")
PATIENCE = 3
_FOREIGN_KEY_STATES = ("23503", "23001")


@dataclass
class Control:
    """What a variant does when it may: on the own rows, and as the administrator."""

    variant: Variant
    own: Outcome | None
    admin: Outcome
    works: bool
    admin_reaches: bool

    @property
    def settled(self) -> bool:
        """True where nothing is gained by another control: it works, is not granted, or there can be none."""
        return self.works or self.own is None or self.own.no_privilege

    @property
    def text(self) -> str:
        parts = []
        if self.own is not None:
            parts.append(f"{self.variant.control}; -- on the own rows: {self.own}")
        parts.append(f"as the administrator the attack gives: {self.admin}")
        return "\n".join(parts)


@dataclass
class Target:
    """One table as one role attacks it.

    Attributes:
        controls: command -> what its variants do where they may.
        total: how many rows the table holds.
        endless: answers that say a policy runs into itself, or into the time limit.
        owners: columns of an answer -> their values -> slots whose stored rows have them.
    """

    model: TableModel
    rows: TableRows
    privileges: Privileges
    controls: dict[str, list[Control]] = field(default_factory=lambda: defaultdict(list))
    total: int = 0
    endless: list[Outcome] = field(default_factory=list)
    owners: dict[tuple[str, ...], dict[tuple[str | None, ...], set[str]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.model.table.qualified

    def slots_of(self, variant: Variant, row: tuple[str | None, ...]) -> set[str]:
        """Whose row an answer shows: the slots whose stored rows have these values in the columns it returns."""
        if variant.returns not in self.owners:
            found: dict[tuple[str | None, ...], set[str]] = defaultdict(set)
            for slot, stored in self.rows.rows.items():
                found[tuple(stored[name] for name in variant.returns)].add(slot)
            self.owners[variant.returns] = found
        return self.owners[variant.returns].get(row, set())

    def reaches(self, variant: Variant, outcome: Outcome, slots: frozenset[str]) -> bool:
        """Whether the answer touches rows of these slots (for writes: any row)."""
        if outcome.refused:
            return False
        if variant.judge == "rows":
            return any(self.slots_of(variant, row) & slots for row in outcome.rows)
        return bool(outcome.affected)


def take_controls(attacker: Attacker, model: Model, scope: ScopeModel, population: Population, target: Target) -> None:
    """Run each attack as the administrator and its twin on the own rows, and keep what they give."""
    target.total = _count(attacker, target)
    usual = allowed_slots(State("right", "", open_to_own=True), target.model, scope, model)
    name = target.model.table.qualified
    known = (model, scope, population, target.model)
    for variant in build_variants(
        target.model,
        target.rows,
        target.privileges,
        user_columns=model.user_columns.get(name, ()),
        references=crossing_values(*known),
        fellows=fellow_values(*known),
        leading=leading_columns(model, scope, target.model),
    ):
        if len(target.endless) < PATIENCE:
            target.controls[variant.command].append(_control(attacker, target, usual, variant))
    if all(control.settled for controls in target.controls.values() for control in controls):
        return
    # What the attacker may not do to its own row (leave the tenant, demote itself) it may do to a colleague's.
    if COLLEAGUE not in usual or COLLEAGUE not in target.rows.rows:
        return
    others = build_variants(target.model, target.rows, target.privileges, own=COLLEAGUE)
    for variant in others:
        controls = target.controls[variant.command]
        for number, control in enumerate(controls):
            if control.variant.name == variant.name and not control.settled:
                second = _control(attacker, target, usual, variant)
                controls[number] = second if second.works else control


def _count(attacker: Attacker, target: Target) -> int:
    outcome = attacker.run(f"select count(*) from {target.model.table.sql}", admin=True)
    return int((outcome.rows[0][0] if outcome.rows else None) or 0)


def _control(attacker: Attacker, target: Target, usual: frozenset[str], variant: Variant) -> Control:
    control = _tried(attacker, target, usual, variant)
    refusals = [outcome.sqlstate for outcome in (control.own, control.admin) if outcome]
    # A row that references another's is for the foreign key itself to refuse.
    unguarded = variant.judge != "insert" and not variant.name.startswith((REFERENCE, FELLOW, LED))
    if unguarded and any(sqlstate in _FOREIGN_KEY_STATES for sqlstate in refusals):
        # Children stand in the way of everybody; what counts is whether the policy would.
        control = _tried(attacker, target, usual, replace(variant, prepare=(*variant.prepare, AS_REPLICA)))
    if control.own is not None and not control.works and not control.own.refused:
        for prepare in _admitted(target):
            again = _tried(attacker, target, usual, replace(variant, prepare=(*variant.prepare, *prepare)))
            if again.works:
                return again
    return control


def _admitted(target: Target) -> Iterator[tuple[str, ...]]:
    """Own and other row in a state that a policy asks for, such as a job that nobody has been given yet."""
    table, rows = target.model.table, target.rows.rows
    both = " or ".join(f"({identify(table, rows[slot])})" for slot in (ATTACKER, VICTIM))
    owners = {target.model.column, *table.primary_key}
    for text in dict.fromkeys(policy.using for policy in table.policies if policy.using):
        for values in arms(text, table.name, table.columns):
            if owners & values.keys() or "" in values.values():
                continue
            pairs = ", ".join(f"{table.columns[name].sql} = {literal(value)}" for name, value in values.items())
            yield AS_REPLICA, f"update {table.sql} set {pairs} where {both}"


def _tried(attacker: Attacker, target: Target, usual: frozenset[str], variant: Variant) -> Control:
    admin = attacker.run(variant.attack, variant.prepare, admin=True)
    own = attacker.run(variant.control, variant.prepare) if variant.control is not None else None
    if own is not None and own.sqlstate in ENDLESS:
        target.endless.append(own)
    works = own is not None and not own.refused and target.reaches(variant, own, usual)
    return Control(variant, own, admin, works, target.reaches(variant, admin, frozenset(SLOTS) - usual))

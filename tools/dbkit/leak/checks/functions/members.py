"""CTX-05: functions called by one whose membership is not in force: suspended, not accepted yet, or run out.

Tables are attacked in that state like in any other; a function with its owner's rights has to ask for itself. Called
with the caller's own ids it may neither show the tenant's rows nor change them. The control is the same call by the
same person as a member in force.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

from dbkit.leak.checks.functions.caller import Call, Caller
from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.effects import Effects
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.checks.subject import NEEDS_PARAMETERS
from dbkit.leak.contexts import State, lapsed_states
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER
from dbkit.leak.standings import Standings
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import Kind, TableModel
from dbkit.tenancy.relations import literal

__all__ = ["check_members"]

_CALLS = 4


def check_members(
    stand: Stand, routines: Routines, caller: Caller, standings: Standings, open_anyway: Collection[str | None]
) -> Iterator[Finding]:
    """Call every function with its owner's rights as a former or future member of the caller's own tenant.

    Args:
        open_anyway: names of functions that serve members of other tenants, so that nothing is added by this.
    """
    states, _ = lapsed_states(stand.model, stand.scope, stand.population.identities[ATTACKER], standings)
    asked = [
        routine
        for routine in routines.attacked
        if routine.qualified not in open_anyway and _asks_for_itself(stand, routines, routine)
    ]
    told: set[int] = set()
    for state in states:
        # One at a time: the state changes the membership that the caller's own context may have locked to read it.
        stand.attacker.session.must("rollback")
        shown = list(_shown_outside(stand, state, routines, caller, [r for r in asked if r.oid not in told]))
        stand.renew()
        for routine, call, sql, witness in shown:
            if routine.oid not in told and not stand.run(call.sql).refused:
                told.add(routine.oid)
                yield _finding(stand, routine, state, sql, witness)


def _shown_outside(
    stand: Stand, state: State, routines: Routines, caller: Caller, asked: list[Routine]
) -> Iterator[tuple[Routine, Call, str, str]]:
    """Calls that show or change something where the membership is not in force: what was called, and the witness."""
    with _Outside(stand.conninfo, stand.model, stand.scope, stand.role, stand.population, state) as outside:
        effects = Effects(outside)
        for routine in asked:
            outside.renew()
            for call in [call for call in caller.calls(routine) if not call.names][:_CALLS]:
                witness = _shown(outside, effects, routines, routine, call)
                if witness:
                    yield routine, call, outside.paste(call.sql), witness


class _Outside(Stand):
    """A stand from which the caller's own tenant is a foreign one; who belongs to it is no secret of it."""

    @cached_property
    def protected(self) -> dict[str, TableModel]:
        memberships, registry, users = self.model.memberships, self.model.registry, self.model.users
        known = {memberships and memberships.table, registry and registry[0], users and users[0]}
        return {
            name: table
            for name, table in self.scope.tables.items()
            if table.kind is Kind.TENANT
            and name not in known
            and ATTACKER in (self.population.tables[name].rows if name in self.population.tables else {})
        }

    @cached_property
    def victims(self) -> dict[str, str]:
        tenant = literal(self.population.identities[ATTACKER].tenant)
        return {
            name: f"{table.table.columns[table.column].sql} = {tenant}"
            for name, table in self.protected.items()
            if table.column
        }

    @cached_property
    def secrets(self) -> dict[str, str]:
        return self.values_of("B")


def _asks_for_itself(stand: Stand, routines: Routines, routine: Routine) -> bool:
    """Whether row security does not judge what it does, and joining or leaving is not its business."""
    if not (routine.callable and stand.role.name in routine.roles and routine.definer):
        return False
    memberships = stand.model.memberships
    name = memberships.table.rpartition(".")[2] if memberships else ""
    return not any(written == name for each in routines.reached(routine) for _, written in each.facts.written)


def _shown(outside: Stand, effects: Effects, routines: Routines, routine: Routine, call: Call) -> str | None:
    """What the call shows or does to the tenant's rows; None where it is refused or does nothing."""
    outcome = outside.run(call.sql)
    if outcome.refused:
        return None
    witness = outside.shown(outcome, call.given)
    if witness:
        return f"the answer shows {witness}"
    if not routine.volatile:
        return None
    named = [name for name in routines.tables(routine, outside.model.relations) if name in outside.victims]
    after = {name: effects.victims_rows(name) for name in named}
    outside.run("select 1")
    for name in named:
        if effects.victims_rows(name) != after[name]:
            return f"rows of {name} that are the tenant's are new, changed or gone"
    return None


def _finding(stand: Stand, routine: Routine, state: State, sql: str, witness: str) -> Finding:
    return Finding(
        rule="lapsed_member_served",
        message=f"{routine.signature} serves {stand.role.name} in a tenant where its membership is not in force",
        category="CTX-05",
        verdict=LEAK,
        object=routine.qualified,
        detail=f"The membership is there, with {state.variant or 'nothing of it left'}. {NEEDS_PARAMETERS}",
        hint="Ask for a membership that is in force, as the policies do.",
        evidence=Evidence(sql, witness, "the same call by the same person as a member is accepted"),
    )

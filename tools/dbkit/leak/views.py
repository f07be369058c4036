"""Attack what is read through another name: views, materialized views and foreign tables.

Their columns say nothing certain about whose rows they show, so rows are recognised by what they carry: ids and texts
that only one tenant's rows hold.
"""

from __future__ import annotations

from dbkit.leak.attacker import Attacker
from dbkit.leak.observation import distinctive_values
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, Probe, RoleProof
from dbkit.leak.rows import ATTACKER, COLLEAGUE, SLOTS, Population
from dbkit.leak.session import Outcome, Session
from dbkit.leak.statements import Variant, select_list
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import Role, Table, literal

__all__ = ["ViewAttack", "refresh_materialized_views"]

_SHORTEST = 8
_NOT_RECOGNISABLE = "no row of a tenant is recognisable in it, even for the administrator"
_CARRIERS = ("uuid", "text", "varchar", "bpchar", "citext", "name")


def refresh_materialized_views(session: Session, model: Model) -> None:
    """Fill the materialized views from the made-up rows; those that read others may need a second round."""
    waiting = [table for table in model.relations.tables.values() if table.kind == "m"]
    while waiting:
        left = [table for table in waiting if session.run(f"refresh materialized view {table.sql}").refused]
        if len(left) == len(waiting):
            return
        waiting = left


class ViewAttack:
    """One role against every view it may read; asked once for each context state."""

    def __init__(self, proof: RoleProof, role: Role, model: Model, scope: ScopeModel, population: Population) -> None:
        self.proof = proof
        self.scope = scope
        self.values = distinctive_values(model, population)
        self.controls: dict[str, tuple[Outcome, Outcome]] = {}
        # Looked up for each view and state, so found once: values by slots, and what the administrator sees of them.
        self.wanted: dict[frozenset[str], list[str]] = {}
        self.carried: dict[str, list[str]] = {}
        self.views = [
            table
            for table in model.relations.tables.values()
            if table.kind in ("v", "m", "f")
            and table.qualified not in model.shared_views
            and model.relations.privileges[role.name, table.qualified].may("select")
        ]
        self.privileges = {
            view.qualified: model.relations.privileges[role.name, view.qualified].columns["select"]
            for view in self.views
        }

    def attack(self, attacker: Attacker) -> None:
        """Read every view in the attacker's state and judge what comes back."""
        for view in self.views:
            readable = [name for name in view.columns if name in self.privileges[view.qualified]]
            statement = f"select {select_list(view, readable)} from {view.sql}"
            self.proof.paths.append(self._path(attacker, view, statement))

    def _path(self, attacker: Attacker, view: Table, statement: str) -> Path:
        state = attacker.state
        path = Path(self.proof.scope, self.proof.role, view.qualified, "SELECT", state.name, HOLDS)
        outcome = attacker.run(statement)
        path.sql = attacker.paste(Variant("SELECT", "", statement, statement, "rows"), statement)
        if state.name == "right":
            self.controls[view.qualified] = (outcome, attacker.run(statement, admin=True))
        own, admin = self.controls[view.qualified]
        path.control = f"{statement}; -- in the right context: {own}\nas the administrator: {admin}"
        mine = frozenset({ATTACKER}) if self.scope.by_user else frozenset({ATTACKER, COLLEAGUE})
        closed = not state.open_to_own and state.name != "suspended"
        shown = self._shown(outcome, frozenset(SLOTS) - (frozenset() if closed else mine))
        if shown is not None:
            path.verdict, path.witness = LEAK, f"a row that is not the caller's: {shown}"
            path.reason = f"{state.label}: {view.qualified} is read with its owner's rights or shows a copy"
        elif outcome.no_privilege or own.no_privilege:
            path.reason = "no privilege"
        elif admin.refused:
            path.verdict = UNVERIFIED
            path.reason = f"it cannot be read, not even by the administrator: {admin}"
        elif self._shown(admin, frozenset(SLOTS) - mine) is None:
            path.reason = _NOT_RECOGNISABLE
        elif self._shown(own, mine) is None:
            path.verdict = UNVERIFIED
            path.reason = f"its control does not work: the view shows the caller none of its own rows ({own})"
        else:
            path.reason = f"refused: {outcome}" if outcome.refused else "the own rows only"
        if path.verdict != UNVERIFIED and path.reason != _NOT_RECOGNISABLE:
            self._record(attacker, view, statement, frozenset() if closed else mine)
        return path

    def _record(self, attacker: Attacker, view: Table, statement: str, mine: frozenset[str]) -> None:
        """Keep what the emitted tests need: how many rows carry a value of others, and that own ones are shown."""
        state, admin = attacker.state, self.controls[view.qualified][1]
        if view.qualified not in self.carried:
            text = "\x1e".join("\x1f".join(cell for cell in row if cell) for row in admin.rows)
            self.carried[view.qualified] = [value for value in self.values if value in text]
        steps = tuple(step.sql for step in state.steps if step.admin)

        def probe(name: str, slots: frozenset[str], limit: int | None) -> Probe:
            carried = [value for value in self.carried[view.qualified] if self.values[value] <= slots]
            listed = f"array[{', '.join(map(literal, carried))}]::text[]"
            count = (
                f"select count(*) from ({statement}) shown "
                f"where exists (select from unnest({listed}) carried (value) where position(value in shown::text) > 0)"
            )
            context = attacker.context()
            return Probe(view.qualified, "SELECT", state.label, name, steps, context, count, limit, state.before)

        self.proof.probes.append(probe("", frozenset(SLOTS) - mine, 0))
        if state.name == "right" and self._shown(self.controls[view.qualified][0], mine) is not None:
            self.proof.probes.append(probe("control", mine, None))

    def _shown(self, outcome: Outcome, slots: frozenset[str]) -> str | None:
        """The first row that carries a value of one of these slots."""
        if slots not in self.wanted:
            self.wanted[slots] = [value for value, owners in self.values.items() if owners <= slots]
        wanted = self.wanted[slots]
        for row in outcome.rows:
            text = "\x1f".join(cell for cell in row if cell)
            if any(value in text for value in wanted):
                return str(row)
        return None

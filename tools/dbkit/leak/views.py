"""Attack what is read through another name: views, materialized views and foreign tables.

Their columns say nothing certain about whose rows they show, so rows are recognised by what they carry: ids and texts
that only one tenant's rows hold.
"""

from __future__ import annotations

from dbkit.leak.attacker import Attacker
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, RoleProof
from dbkit.leak.rows import ATTACKER, COLLEAGUE, SLOTS, Population
from dbkit.leak.session import Outcome, Session
from dbkit.leak.statements import Variant, select_list
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import Role, Table

__all__ = ["ViewAttack", "refresh_materialized_views"]

_SHORTEST = 8
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
        self.values = _distinctive_values(model, population)
        self.controls: dict[str, tuple[Outcome, Outcome]] = {}
        self.views = [
            table
            for table in model.relations.tables.values()
            if table.kind in ("v", "m", "f") and model.relations.privileges[role.name, table.qualified].may("select")
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
        elif self._shown(admin, frozenset(SLOTS) - mine) is None:
            path.reason = "no row of a tenant is recognisable in it, even for the administrator"
        elif self._shown(own, mine) is None:
            path.verdict = UNVERIFIED
            path.reason = f"its control does not work: the view shows the caller none of its own rows ({own})"
        else:
            path.reason = f"refused: {outcome}" if outcome.refused else "the own rows only"
        return path

    def _shown(self, outcome: Outcome, slots: frozenset[str]) -> str | None:
        """The first row that carries a value of one of these slots."""
        wanted = [value for value, owners in self.values.items() if owners <= slots]
        for row in outcome.rows:
            text = "\x1f".join(cell for cell in row if cell)
            if any(value in text for value in wanted):
                return str(row)
        return None


def _distinctive_values(model: Model, population: Population) -> dict[str, frozenset[str]]:
    """Values that only rows of one tenant hold -> the slots that hold them."""
    owners: dict[str, set[str]] = {}
    for name, rows in population.tables.items():
        table = model.relations.tables[name]
        for slot, row in rows.rows.items():
            for column, value in row.items():
                if value and len(value) >= _SHORTEST and table.columns[column].base in _CARRIERS:
                    owners.setdefault(value, set()).add(slot)
    return {value: frozenset(slots) for value, slots in owners.items() if len({slot[0] for slot in slots}) == 1}

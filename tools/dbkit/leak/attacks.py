"""Run every attack as one role under every context state.

One connection serves one role in one state. Every attack runs behind a savepoint that is rolled back, so the rows stay
as they were made and the cost is one round trip an attack, linear in tables.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbkit.leak.attacker import Attacker
from dbkit.leak.contexts import State, build_states
from dbkit.leak.judge import TableAttack, Target
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, RoleProof
from dbkit.leak.rows import ATTACKER, VICTIM, Population
from dbkit.leak.statements import COMMANDS
from dbkit.leak.views import ViewAttack
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import Role

__all__ = ["attack_role"]


def attack_role(conninfo: str, model: Model, scope: ScopeModel, role: Role, population: Population) -> RoleProof:
    """Attack every protected table as one role.

    Args:
        conninfo: the populated disposable database, as superuser.

    Raises:
        DbkitError: the caller's own context statement is refused.
    """
    states, skipped = build_states(model, scope, population)
    proof = RoleProof(scope.scope.name, role.name, skipped_states=skipped)
    targets: list[Target] = []
    for name, table in scope.tables.items():
        if not table.protected:
            continue
        rows = population.tables.get(name)
        if rows is None or rows.reason is not None or not {ATTACKER, VICTIM} <= set(rows.rows):
            reason = rows.reason if rows and rows.reason else "it has no rows of two tenants"
            proof.paths += _unverified(proof, name, states, reason)
            continue
        targets.append(Target(table, rows, model.relations.privileges[role.name, name]))
    views = ViewAttack(proof, role, model, scope, population)
    for state in states:
        with Attacker(conninfo, role, state) as attacker:
            for target in targets:
                attacker.renew()
                run = TableAttack(attacker, proof, role, model, scope, target, population, state)
                if state.name == "right":
                    run.take_controls()
                run.attack()
            attacker.renew()
            views.attack(attacker)
        if state.name == "right":
            proof.vacuous = _vacuity(targets)
    proof.paths = _merge_variants(proof.paths)
    return proof


def _unverified(proof: RoleProof, table: str, states: Iterable[State], reason: str) -> list[Path]:
    return [
        Path(proof.scope, proof.role, table, command, state.name, UNVERIFIED, reason)
        for state in states
        for command in COMMANDS
    ]


def _vacuity(targets: list[Target]) -> str | None:
    """The right context must open something, or every later "zero rows" says nothing."""
    reachable = [target for target in targets if target.privileges.reachable]
    if not reachable or any(control.works for target in reachable for c in target.controls.values() for control in c):
        return None
    return "under the caller's own context no table gives its own rows, so zero rows elsewhere prove nothing"


def _merge_variants(paths: list[Path]) -> list[Path]:
    """States reached in several ways become one path: the worst verdict counts."""
    rank = {LEAK: 0, UNVERIFIED: 1, HOLDS: 2}
    merged: dict[tuple[str, str, str], Path] = {}
    for path in paths:
        key = (path.table, path.command, path.state)
        if key not in merged or rank[path.verdict] < rank[merged[key].verdict]:
            merged[key] = path
    return list(merged.values())

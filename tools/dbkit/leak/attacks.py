"""Run every attack as one role under every context state.

One connection serves one role in one state. Every attack runs behind a savepoint that is rolled back, so the rows stay
as they were made and the cost is one round trip an attack, linear in tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from dbkit.leak.attacker import Attacker
from dbkit.leak.contexts import State, build_states
from dbkit.leak.controls import Target, take_controls
from dbkit.leak.explain import explain_reads
from dbkit.leak.judge import TableAttack
from dbkit.leak.logins import acting_role
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, RoleProof
from dbkit.leak.rows import ATTACKER, VICTIM, Population
from dbkit.leak.session import Session
from dbkit.leak.standings import read_standings
from dbkit.leak.statements import COMMANDS, identity_columns, select_list
from dbkit.leak.views import ViewAttack
from dbkit.tenancy.model import Kind, Model, ScopeModel
from dbkit.tenancy.relations import Role

__all__ = ["attack_role"]

_BUILT_ON_RIGHT = ("reused", "edited", "promoted")


def attack_role(
    conninfo: str,
    model: Model,
    scope: ScopeModel,
    role: Role,
    population: Population,
    *,
    to_first_leak: bool = False,
) -> RoleProof:
    """Attack every protected table as one role.

    Args:
        conninfo: the populated disposable database, as superuser.
        to_first_leak: no further state is tried once one has shown a leak, where only that there is one matters.

    Raises:
        DbkitError: the caller's own context statement is refused.
    """
    with Session(conninfo) as session:
        standings = read_standings(session, model, population)
    states, skipped = build_states(model, scope, population, role, standings)
    proof = RoleProof(scope.scope.name, role.name, skipped_states=skipped)
    acting = acting_role(model, role, population)
    if acting is None:
        proof.skipped_states = {"all": "it is the victim's own login"}
        return proof
    role = acting
    targets: list[Target] = []
    for name, table in scope.tables.items():
        if not table.protected:
            continue
        rows = population.tables.get(name)
        if table.table.is_partition and not model.relations.privileges[role.name, name].reachable:
            proof.paths += _out_of_reach(proof, name, states)
            continue
        if rows is None or rows.reason is not None or not {ATTACKER, VICTIM} <= set(rows.rows):
            reason = rows.reason if rows and rows.reason else "it has no rows of two tenants"
            proof.paths += _unverified(proof, name, states, reason)
            continue
        targets.append(Target(table, rows, model.relations.privileges[role.name, name]))
    states = [_warmed(state, targets) for state in states]
    views = ViewAttack(proof, role, model, scope, population)
    for state in states:
        with Attacker(conninfo, role, state) as attacker:
            for target in targets:
                attacker.renew()
                if state.name == "right":
                    take_controls(attacker, model, scope, population, target)
                TableAttack(attacker, proof, role, model, scope, target, population, state).attack()
            attacker.renew()
            views.attack(attacker)
        if state.name == "right":
            # A further caller that names nobody has no rows of its own to see.
            nobody = scope is not model.scopes[0] and scope.scope.anonymous
            proof.vacuous = None if nobody else _vacuity(targets, model, population)
        if to_first_leak and any(path.verdict == LEAK for path in proof.paths):
            break
    proof.paths = _without_repetition(_merge_variants(proof.paths))
    explain_reads(conninfo, model, scope, role, population, proof.paths)
    return proof


def _warmed(state: State, targets: Iterable[Target]) -> State:
    """Where the caller's own context follows another tenant's, plans made for that tenant are executed again."""
    if state.name != "reused":
        return state
    warm: dict[str, str] = {}
    prepare = []
    for number, target in enumerate(targets, start=1):
        readable = identity_columns(target.model.table, target.privileges)
        if readable and target.privileges.may("select"):
            warm[target.name] = f"dbkit_{number}"
            query = f"select {select_list(target.model.table, readable)} from {target.model.table.sql}"
            prepare.append(f"prepare dbkit_{number} as {query}")
    return replace(state, warm=warm, prepare=tuple(prepare))


def _unverified(proof: RoleProof, table: str, states: Iterable[State], reason: str) -> list[Path]:
    return [
        Path(proof.scope, proof.role, table, command, state.name, UNVERIFIED, reason)
        for state in states
        for command in COMMANDS
    ]


def _out_of_reach(proof: RoleProof, table: str, states: Iterable[State]) -> list[Path]:
    """A partition that is reached through its parent only, where its rows are attacked."""
    return [
        Path(proof.scope, proof.role, table, command, state.name, HOLDS, "no privilege")
        for state in states
        for command in COMMANDS
    ]


def _made_up(model: Model, population: Population) -> list[str]:
    """Tables out of reach that a function reads and whose rows were made up, such as the key of a signed context."""
    read = {word for source in model.relations.sources.values() for word in re.findall(r"\w+", source)}
    internal = (name for name, table in model.scopes[0].tables.items() if table.kind is Kind.INTERNAL)
    return [name for name in internal if name in population.tables and name.rpartition(".")[2] in read]


def _vacuity(targets: list[Target], model: Model, population: Population) -> str | None:
    """The right context must open something, or every later "zero rows" says nothing."""
    reachable = [target for target in targets if target.privileges.reachable]
    if not reachable or any(control.works for target in reachable for c in target.controls.values() for control in c):
        return None
    made_up = _made_up(model, population)
    reason = "under the caller's own context no table gives its own rows, so zero rows elsewhere prove nothing"
    if made_up:
        reason += (
            f"; functions read {', '.join(made_up)}, whose rows are not copied and were made up: "
            "what they have to hold is said under [tenancy.values]"
        )
    return reason


def _merge_variants(paths: list[Path]) -> list[Path]:
    """States reached in several ways become one path: the worst verdict counts."""
    rank = {LEAK: 0, UNVERIFIED: 1, HOLDS: 2}
    merged: dict[tuple[str, str, str], Path] = {}
    for path in paths:
        key = (path.table, path.command, path.state)
        if key not in merged or rank[path.verdict] < rank[merged[key].verdict]:
            merged[key] = path
    return list(merged.values())


def _without_repetition(paths: list[Path]) -> list[Path]:
    """Without leaks that the caller's own context shows already: states built on it add nothing to them."""
    open_anyway = {(path.table, path.command) for path in paths if path.state == "right" and path.verdict == LEAK}
    return [
        path
        for path in paths
        if path.state not in _BUILT_ON_RIGHT or path.verdict != LEAK or (path.table, path.command) not in open_anyway
    ]

"""OBJ-03, 04 and 06, CTX-02, 04 and 05, FLOW-02 and 03, SIDE-03 to 06: functions and triggers.

Every function that an app role may call is called with another tenant's ids, names it leaves to the search_path are
shadowed, triggers are fired with another tenant's keys, and what is notified is listened to.

`catalog` reads the functions, `candidates` and `caller` make the calls, `stand` is where one role makes them from,
`effects` and `dependence` tell what they did; `shadows` and `traces` are what attackers and victims leave lying about.
Each of the other modules is one attack; `calls` is the plain one, and `states` repeats it while rows are in another
state.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.functions.caller import Caller
from dbkit.leak.checks.functions.calls import attack_routine
from dbkit.leak.checks.functions.catalog import Routines, read_routines
from dbkit.leak.checks.functions.effects import Effects
from dbkit.leak.checks.functions.hidden_tables import check_hidden_tables
from dbkit.leak.checks.functions.leakproof import check_leakproof
from dbkit.leak.checks.functions.leftovers import check_leftovers
from dbkit.leak.checks.functions.locks import check_locks
from dbkit.leak.checks.functions.members import check_members
from dbkit.leak.checks.functions.notify import check_notify
from dbkit.leak.checks.functions.paths import check_paths
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.checks.functions.triggers import check_triggers
from dbkit.leak.checks.subject import Subject, bypasses
from dbkit.leak.paths import LEAK
from dbkit.leak.standings import read_standings
from dbkit.report import Finding

__all__ = ["check_functions"]


def check_functions(subject: Subject) -> Iterator[Finding]:
    """Attack functions as every app role; the same finding for two roles is told once for each."""
    focus = subject.focus.routines if subject.focus else None
    routines = read_routines(subject.session, subject.model.declaration.app_roles, focus)
    if not routines.attacked:
        return
    standings = read_standings(subject.session, subject.model, subject.population)
    for scope in subject.model.scopes:
        for name in scope.scope.app_roles:
            role = subject.model.relations.roles[name]
            if bypasses(role):
                continue
            with Stand(subject.conninfo, subject.model, scope, role, subject.population) as stand:
                caller = Caller(subject.model, scope, subject.population, routines)
                effects = Effects(stand)
                found = list(_calls(stand, effects, caller, routines))
                yield from found
                yield from check_paths(stand, routines, caller, subject.session)
                yield from check_triggers(stand, effects, routines)
                yield from check_leakproof(stand, routines)
                yield from check_notify(stand, routines, caller)
                yield from check_locks(stand, routines, caller)
                yield from check_leftovers(stand, routines, caller)
                open_anyway = {finding.object for finding in found if finding.verdict == LEAK}
                yield from check_hidden_tables(stand, routines, caller, subject.session, open_anyway)
                yield from check_members(stand, routines, caller, standings, open_anyway)


def _calls(stand: Stand, effects: Effects, caller: Caller, routines: Routines) -> Iterator[Finding]:
    for routine in routines.attacked:
        if stand.role.name not in routine.roles or not routine.callable:
            continue
        stand.renew()
        finding = attack_routine(stand, effects, caller, routines, routine)
        if finding is not None:
            yield finding

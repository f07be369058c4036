"""OBJ-04: names a function leaves to the search_path, shadowed for real by an attacker who may run SQL.

A witness is a row of the victim's in an answer, since planted rows let the attacker in, or in an error text, since the
attacker's code was run with somebody else's rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbkit.leak.checks.functions.caller import Caller
from dbkit.leak.checks.functions.calls import unreviewed
from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.shadows import Home, Shadow, loose_calls, loose_tables, make_shadows, writable_schemas
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.checks.functions.triggers import firing_statements
from dbkit.leak.checks.subject import NEEDS_SQL
from dbkit.leak.paths import LEAK
from dbkit.leak.session import Session
from dbkit.report import Evidence, Finding, Severity

__all__ = ["check_paths"]

_CALLS = 8
_CODE_SHADOWS = 60
_CODE_USES = 4


def check_paths(stand: Stand, routines: Routines, caller: Caller, admin: Session) -> Iterator[Finding]:
    """Shadow the names of every function that runs for somebody else, or that policies ask."""
    writable = writable_schemas(stand, admin)
    for routine in routines.attacked:
        if not _matters(stand, routines, routine):
            continue
        stand.renew()
        found = _attack(stand, routines, caller, routine, writable, admin)
        if found is not None:
            yield found
        elif _suspicious(stand, routine):
            yield _suspected(stand, routine)


def _matters(stand: Stand, routines: Routines, routine: Routine) -> bool:
    """Whether its names are resolved when it runs, and it runs where that could matter to somebody else's rows."""
    if routine.language not in ("sql", "plpgsql") or routine.facts.bound:
        return False
    if not (loose_tables(stand, routine) or loose_calls(routine) or routine.facts.operators):
        return False
    if routine.definer:
        return routine.is_trigger or stand.role.name in routine.roles or _asked(stand, routines, routine)
    return bool(loose_tables(stand, routine)) and _asked(stand, routines, routine)


def _asked(stand: Stand, routines: Routines, routine: Routine) -> bool:
    """Whether a policy, a view or another definer function calls it."""
    word = re.compile(rf"\b{re.escape(routine.name)}\b", re.IGNORECASE)
    for table in stand.model.relations.base_tables:
        if any(word.search(text) for policy in table.policies for text in policy.texts):
            return True
    callers = [each for each in routines.all if each is not routine]
    return any(routine.name == name for each in callers for _, name, _ in each.facts.calls)


def _suspicious(stand: Stand, routine: Routine) -> bool:
    callable_by_role = stand.role.name in routine.roles and routine.callable
    return (
        routine.definer
        and routine.path is None
        and callable_by_role
        and bool(loose_tables(stand, routine) or loose_calls(routine))
        and unreviewed(routine, stand.model.declaration.definers)
    )


def _suspected(stand: Stand, routine: Routine) -> Finding:
    return Finding(
        rule="definer_without_search_path",
        message=f"{routine.signature} runs with its owner's rights and its caller's search_path",
        severity=Severity.WARNING,
        category="OBJ-04",
        object=routine.qualified,
        detail=f"Not shown: no shadow that {stand.role.name} can make led to another tenant's rows.",
        hint=f"Run: alter function {routine.sql} set search_path = pg_catalog, pg_temp; and qualify its names.",
    )


# The attack


def _attack(
    stand: Stand,
    routines: Routines,
    caller: Caller,
    routine: Routine,
    writable: list[Home],
    admin: Session,
) -> Finding | None:
    uses = list(_uses(stand, routines, caller, routine))
    shadows = list(make_shadows(stand, routine, writable, admin))
    by_code = [shadow for shadow in shadows if shadow.by_code]
    for shadow in [shadow for shadow in shadows if not shadow.by_code] + by_code[:_CODE_SHADOWS]:
        # The attacker's connection is a fresh one; here plans of earlier calls would keep the old names.
        accepted = stand.run_steps((*shadow.setup, "discard plans"))
        if accepted.refused:
            continue
        stand.attacker.session.run("savepoint shadowed")
        for statement in uses[:_CODE_USES] if shadow.by_code else uses:
            outcome = stand.attacker.session.run("rollback to savepoint shadowed", statement.sql)
            if outcome.sqlstate == "57014":
                return None  # it does not end in time, with or without a shadow
            witness = stand.shown(outcome, " ".join(shadow.setup) + statement.given)
            if not witness and statement.foreign and not outcome.refused and outcome.rows:
                witness = f"a row of {statement.foreign} that is the victim's: {outcome.rows[0][0]!r}"
            if witness and not stand.shown(stand.run(statement.sql), statement.given):
                return _leak(stand, routine, shadow, statement.sql, witness)
            if witness:
                break  # it shows that without a shadow, too
    return None


@dataclass(frozen=True)
class _Use:
    """A statement that makes the function run; `foreign` names the table whose victim rows it asks for."""

    sql: str
    given: str = ""
    foreign: str = ""


def _uses(stand: Stand, routines: Routines, caller: Caller, routine: Routine) -> Iterator[_Use]:
    if stand.role.name in routine.roles and routine.callable:
        for call in caller.calls(routine)[:_CALLS]:
            yield _Use(call.sql, call.given)
    for name, table in stand.readable:
        column = next(iter(table.table.columns.values())).sql
        yield _Use(f"select {column} from {table.table.sql} where {stand.victims[name]} limit 1", "", name)
    for name in routines.triggers.get(routine.oid, ()):
        for statement in firing_statements(stand, name):
            yield _Use(statement, statement)


def _leak(stand: Stand, routine: Routine, shadow: Shadow, statement: str, witness: str) -> Finding:
    pinned = f"its search_path is {routine.path}" if routine.path else "it has no search_path of its own"
    return Finding(
        rule="search_path_shadowed",
        message=f"{stand.role.name} shadows {shadow.names}, which {routine.signature} leaves to the search_path",
        category="OBJ-04",
        verdict=LEAK,
        object=routine.qualified,
        detail=f"It runs as {routine.owner if routine.definer else 'its caller'} and {pinned}. {NEEDS_SQL}",
        hint=f"Run: alter function {routine.sql} set search_path = pg_catalog, pg_temp; and qualify its names.",
        evidence=Evidence(
            sql=stand.paste(*shadow.setup, statement),
            witness=witness,
            control="the same statement without the shadow shows nothing of the victim's",
        ),
    )

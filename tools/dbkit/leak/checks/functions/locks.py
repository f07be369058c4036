"""SIDE-03: advisory locks whose key leaves the tenant out, so that one tenant's work holds up or answers another's.

The victim calls the function, and the advisory locks it then holds are taken by a connection of the administrator's,
so that nothing else of the victim's call is in the way. What the attacker's call gives meanwhile is compared with what
it gives before and after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbkit.leak.checks.functions.caller import Call, Caller
from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.stand import OPTIONS, Stand
from dbkit.leak.checks.subject import NEEDS_PARAMETERS
from dbkit.leak.contexts import own_context
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.report import Evidence, Finding

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["check_locks"]

_LOCKING = re.compile(r"\bpg_(?:try_)?advisory_(?:xact_)?lock", re.IGNORECASE)
_CALLS = 4
_HELD = """
select format('select pg_advisory_xact_lock(%s)', case objsubid
    when 1 then ((classid::bigint << 32) | objid::bigint)::text
    else concat_ws(', ', classid::bigint::bit(32)::int4, objid::bigint::bit(32)::int4) end)
from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and mode = 'ExclusiveLock' and granted
"""
_LOCK_TIMEOUT = "set local lock_timeout = '200ms'"
_TIMED_OUT = "55P03"


@dataclass(frozen=True)
class _Answer:
    """What a call gave: its rows as text, or the SQLSTATE with which it was refused."""

    rows: str
    sqlstate: str | None

    def __str__(self) -> str:
        if self.sqlstate == _TIMED_OUT:
            return "it waits for the lock"
        return f"refused: {self.sqlstate}" if self.sqlstate else self.rows


def check_locks(stand: Stand, routines: Routines, caller: Caller) -> Iterator[Finding]:
    """Call every function that takes advisory locks while the victim's call of it holds them."""
    for routine in routines.attacked:
        if not (routine.callable and stand.role.name in routine.roles):
            continue
        if any(_LOCKING.search(each.facts.text) for each in routines.reached(routine)):
            # The calls made so far left locks of the session, which no rollback gives back.
            for stood in [stand, *([stand.nobody] if "nobody" in vars(stand) else [])]:
                stood.run("select pg_advisory_unlock_all()")
            calls = sorted(caller.calls(routine), key=lambda call: not call.names)
            yield from next(filter(None, (_attack(stand, routine, call) for call in calls[:_CALLS])), [])


def _attack(stand: Stand, routine: Routine, call: Call) -> list[Finding] | None:
    held = _held_by_victim(stand, call)
    if not held:
        return None
    before = _answer(stand, call)
    if before.sqlstate is not None:
        return None
    with _connection(stand) as holder:
        holder.execute("begin")
        for lock in held:
            holder.execute(lock.encode())
        meanwhile = _answer(stand, call)
    if meanwhile == before or _answer(stand, call) != before:
        return None
    return [_finding(stand, routine, call, held, f"{meanwhile}; before and after the victim's work: {before}")]


def _held_by_victim(stand: Stand, call: Call) -> list[str]:
    """Statements that take the advisory locks which the victim's own call takes."""
    with _request(stand, VICTIM) as victim:
        if _run(victim, call.sql).sqlstate is not None:
            return []
        victim.execute("reset session authorization")
        return [row[0] for row in victim.execute(_HELD).fetchall()]


def _answer(stand: Stand, call: Call) -> _Answer:
    with _request(stand, ATTACKER) as attacker:
        return _run(attacker, call.sql)


def _run(connection: Connection[Any], statement: str) -> _Answer:
    import psycopg

    try:
        with connection.transaction():
            return _Answer(str(connection.execute(statement.encode()).fetchall()), None)
    except psycopg.Error as error:
        return _Answer("", error.sqlstate or "XX000")


@contextmanager
def _request(stand: Stand, slot: str) -> Iterator[Connection[Any]]:
    """A transaction in the context of one slot, on a connection of its own: locks of a session must go with it."""
    with _connection(stand) as connection:
        connection.execute("begin")
        connection.execute(f"set session authorization {stand.role.sql}".encode())
        for statement in own_context(stand.scope, stand.population.identities[slot]):
            connection.execute(statement.encode())
        connection.execute(_LOCK_TIMEOUT)
        yield connection


@contextmanager
def _connection(stand: Stand) -> Iterator[Connection[Any]]:
    """A connection whose transaction is never committed, and whose locks are given back when it is left."""
    import psycopg

    connection = psycopg.connect(stand.conninfo, autocommit=True, options=OPTIONS)
    try:
        yield connection
    finally:
        # By closing alone they would go some time later, and the next call would still meet them.
        connection.execute("rollback")
        connection.execute("reset session authorization")
        connection.execute("select pg_advisory_unlock_all()")
        connection.close()


def _finding(stand: Stand, routine: Routine, call: Call, held: list[str], witness: str) -> Finding:
    taken = "".join(f"{lock};\n" for lock in held)
    return Finding(
        rule="advisory_lock_tells_other_tenants",
        message=f"{routine.signature} answers {stand.role.name} by what other tenants are working on",
        category="SIDE-03",
        verdict=LEAK,
        object=routine.qualified,
        detail=f"The key of its advisory lock is the same for every tenant. {NEEDS_PARAMETERS}",
        hint="Make the tenant a part of the key, e.g. hashtextextended(tenant_id::text || ':' || key, 0).",
        evidence=Evidence(
            sql=f"-- what the victim's call of it holds, in another session\nbegin;\n{taken}"
            f"-- meanwhile\n{stand.paste(_LOCK_TIMEOUT, call.sql)}",
            witness=f"while the victim is at it {witness}",
            control="the same call, before the lock is taken and after it is given back",
        ),
    )

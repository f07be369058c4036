"""CTX-03: what a function leaves on its connection for whoever is served there next.

A pooled connection serves one tenant after another. Temporary tables that outlive the commit, held cursors, prepared
queries and settings of the session stay on it. The victim calls the function and commits; then the attacker comes, in
its own context and in none, calls it too, and looks at what lies about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.errors import DbkitError
from dbkit.leak.attacker import Attacker
from dbkit.leak.checks.functions.caller import Call, Caller
from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.stand import CALL_TIMEOUT, Stand
from dbkit.leak.checks.subject import NEEDS_PARAMETERS, NEEDS_SQL
from dbkit.leak.contexts import own_context
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.leak.session import Session
from dbkit.leak.states import State, strict
from dbkit.report import Evidence, Finding

__all__ = ["check_leftovers"]

_KEEPS = re.compile(
    r"\b(?:create|into)\s+(?:local\s+|global\s+)?temp(?:orary)?\b|\bwith\s+hold\b|\bprepare\s+\w+"
    r"|\bset_config\s*\([^;]*?,\s*(?:false|'f(?:alse)?'|is_local\s*=>\s*false)\s*\)"
    r"|\bset\s+session\s+\w|\bset\s+role\s+(?!=)",
    re.IGNORECASE,
)
_TRANSACTION = re.compile(r"\b(?:commit|rollback)\s*(?:and\s+(?:no\s+)?chain\s*)?;", re.IGNORECASE)
_CALLS = 4
# Tables a call writes that others would see: what it changes there would stay, so it is not committed.
_WRITTEN = """
select 1 from pg_stat_xact_user_tables s join pg_class c on c.oid = s.relid
where n_tup_ins + n_tup_upd + n_tup_del > 0 and c.relpersistence <> 't' limit 1
"""
# What lies about on the connection, as the queries that read it.
_LYING_ABOUT = """
select format('select * from %s', oid::regclass) from pg_class
    where relnamespace = pg_my_temp_schema() and relkind in ('r', 'v', 'm')
union all select format('fetch 50 from %I', name) from pg_cursors where is_holdable
union all select format('execute %I', name) from pg_prepared_statements
    where from_sql and cardinality(parameter_types) = 0 order by 1
"""


def check_leftovers(stand: Stand, routines: Routines, caller: Caller) -> Iterator[Finding]:
    """Call every function that keeps something for the session as the victim, and come after it."""
    for routine in routines.attacked:
        text = "\n".join(each.facts.text for each in routines.reached(routine))
        if not (routine.callable and stand.role.name in routine.roles and _KEEPS.search(text)):
            continue
        if _TRANSACTION.search(text) or _is_context(stand, routine):
            continue
        found = next(filter(None, (_attack(stand, routine, call) for call in caller.calls(routine)[:_CALLS])), None)
        if found is not None:
            yield found


def _is_context(stand: Stand, routine: Routine) -> bool:
    """Whether requests begin with it: what that leaves is what the attacks on tables come after."""
    return any(re.search(rf"\b{re.escape(routine.name)}\s*\(", text) for text in stand.scope.scope.context)


def _attack(stand: Stand, routine: Routine, call: Call) -> Finding | None:
    theirs, mine = call.victim or call.sql, call.own or call.sql
    identities = stand.population.identities
    served = (*own_context(stand.scope, identities[VICTIM]), theirs)
    stand.renew()
    if not _stays_alone(stand, served) or stand.shown(stand.run(mine), mine):
        return None
    for steps in (strict(own_context(stand.scope, identities[ATTACKER])), ()):
        state = State("reused" if steps else "residue", routine.name, before=(served,), steps=steps)
        try:
            attacker = Attacker(stand.conninfo, stand.role, state)
        except DbkitError:
            return None  # the victim's call is refused
        with attacker:
            lying = [row[0] or "" for row in attacker.run(_LYING_ABOUT).rows]
            for query in [mine, *lying, *_looks(stand)]:
                witness = stand.shown(attacker.run(query), f"{mine}{theirs}")
                if witness:
                    sql = f"{''.join(f'{line};{chr(10)}' for line in attacker.script)}{query};\nrollback;"
                    evidence = Evidence(sql, witness, f"{mine}; -- on a connection of its own shows nothing of it")
                    return _finding(stand, routine, evidence, needs_sql=query in lying)
    return None


def _stays_alone(stand: Stand, served: tuple[str, ...]) -> bool:
    """Whether the victim's call can be committed: it is taken, and changes nothing outside its session."""
    with Session(stand.conninfo) as session:
        session.must("begin")
        taken = session.run(CALL_TIMEOUT, f"set local session authorization {stand.role.sql}", *served)
        written = None if taken.refused else session.run("reset session authorization", _WRITTEN)
        session.must("rollback")
    return written is not None and not written.refused and not written.rows


def _looks(stand: Stand) -> Iterator[str]:
    """The victim's rows in tables where the own context shows none of them."""
    for name, table in stand.readable:
        yield f"select * from {table.table.sql} where {stand.victims[name]} limit 1"


def _finding(stand: Stand, routine: Routine, evidence: Evidence, *, needs_sql: bool) -> Finding:
    return Finding(
        rule="connection_keeps_foreign_rows",
        message=f"{routine.signature} leaves on the connection what {stand.role.name} then reads as another tenant",
        category="CTX-03",
        verdict=LEAK,
        object=routine.qualified,
        detail="Temporary tables, held cursors, prepared queries and settings of the session outlive the transaction, "
        f"and a pool hands the connection on. {NEEDS_SQL if needs_sql else NEEDS_PARAMETERS}",
        hint="Say ON COMMIT DROP, set_config(…, true) and SET LOCAL, or keep nothing between two calls.",
        evidence=evidence,
    )

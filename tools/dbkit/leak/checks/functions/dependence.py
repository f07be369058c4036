"""Whether an answer depends on the victim's rows: the call is made again where the administrator has deleted them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from dbkit.leak.checks.functions.caller import Call
from dbkit.leak.checks.functions.catalog import Routine
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.replica import as_replica
from dbkit.leak.session import Outcome
from dbkit.tenancy.model import Kind

__all__ = [
    "AGGREGATES",
    "EXISTENCE",
    "FIGURE",
    "ROWS",
    "TIMED_OUT",
    "Dependence",
    "answered_for_victim",
    "depends",
    "removable",
    "without_victims",
]

# SQLSTATE of a statement that statement_timeout ended.
TIMED_OUT = "57014"

# In a body that gives figures over many rows.
AGGREGATES = re.compile(r"\b(?:(?:count|sum|avg|min|max|\w+_agg)\s*\(|group\s+by\b)", re.IGNORECASE)

# What of the victim's rows an answer tells: their values, that there are any, or a figure over those of all tenants.
ROWS, EXISTENCE, FIGURE = "rows", "existence", "figure"


@dataclass(frozen=True)
class Dependence:
    """An answer that is another without the victim's rows. `of` is ROWS, EXISTENCE or FIGURE."""

    of: str
    witness: str


def depends(
    stand: Stand, routine: Routine, text: str, tables: list[str], call: Call, outcome: Outcome
) -> Dependence | None:
    """How the answer to a call depends on the victim's rows: it is asked again without them.

    Args:
        text: the function's body and those of the functions it calls.
        tables: what they touch.
        outcome: the answer, which was no refusal.
    """
    if routine.returns in ("void", "trigger", "record") and not outcome.rows:
        return None
    # A gate answers by letting pass or refusing.
    gate = routine.returns == "void"
    existence = gate or routine.returns == "bool"
    relevant = [
        name
        for name in tables
        if name in stand.victims and removable(stand, name, registries=not existence and bool(call.names))
    ]
    if not relevant or not (routine.definer or routine.settings):
        return None
    remove = [f"delete from {stand.protected[name].table.sql} where {stand.victims[name]}" for name in relevant]
    again = stand.run(call.sql)
    without = stand.run(call.sql, as_replica(*remove))
    if without.refused and not gate:
        told = answered_for_victim(stand, tables, call)
        return Dependence(EXISTENCE, told) if told else None
    if again.rows != outcome.rows or without.refused != gate or without.sqlstate == TIMED_OUT:
        return None
    if without.rows == outcome.rows:
        return None
    answer = f"is refused: {without}" if gate else _cell(without)
    witness = f"returns {'nothing' if gate else _cell(outcome)}, and without the victim's rows {answer}"
    if existence:
        return Dependence(EXISTENCE, f"{witness}: the row exists")
    if call.names or _rows_come_out(stand, routine, text, outcome, without):
        return Dependence(ROWS, witness)
    return Dependence(FIGURE, witness)


def _rows_come_out(stand: Stand, routine: Routine, text: str, outcome: Outcome, without: Outcome) -> bool:
    """Whether the victim's rows are in the answer as they are, and not in a figure over many."""
    if any(table.table.name == routine.returns for table in stand.protected.values()):
        return True
    left = Counter(without.rows) - Counter(outcome.rows)
    return routine.returns_set and not left and not AGGREGATES.search(text)


def answered_for_victim(stand: Stand, tables: list[str], call: Call, prepare: tuple[str, ...] = ()) -> str | None:
    """What shows that a call is answered for a row of the victim's which it names: it is refused once there is none.

    An answer that is another each time, a token for instance, shows in no other way whose row it was made for. The call
    with the caller's own row has to be answered all the while: else what was taken away is needed by everybody.

    Args:
        tables: what the function touches.
        prepare: the administrator's statements before it.
    """
    # Rows that the caller sees anyway are no secret.
    hidden = [name for name in tables if name in stand.victims and not _seen(stand, name, prepare)]
    if not call.names - {"tenant", "user"} or not any(removable(stand, name) for name in hidden):
        return None
    gone = (*prepare, *without_victims(stand, hidden))
    if stand.run(call.sql, prepare).refused:
        return None
    without = stand.run(call.sql, gone)
    if not without.refused or without.sqlstate == TIMED_OUT or stand.run(call.own, gone).refused:
        return None
    return f"is answered, and without the victim's rows refused: {without}, while {call.own} is answered still"


def _seen(stand: Stand, name: str, prepare: tuple[str, ...]) -> bool:
    query = f"select 1 from {stand.protected[name].table.sql} where {stand.victims[name]} limit 1"
    return bool(stand.run(query, prepare).rows)


def removable(stand: Stand, name: str, *, registries: bool = False) -> bool:
    """Whether the victim's rows of a table may be taken away to ask again.

    Memberships stay, and registries too where only existence is told: that is another question.
    """
    model = stand.model
    if model.memberships and name == model.memberships.table:
        return False
    if registries:
        return True
    known = {model.registry and model.registry[0], model.users and model.users[0]}
    return name not in known and stand.scope.tables[name].kind is not Kind.MEMBER


def without_victims(stand: Stand, tables: list[str]) -> tuple[str, ...]:
    """Statements of the administrator's that delete the victim's rows of these tables, and nothing else."""
    names = [name for name in tables if name in stand.victims and removable(stand, name)]
    remove = [f"delete from {stand.protected[name].table.sql} where {stand.victims[name]}" for name in names]
    return as_replica(*remove)


def _cell(outcome: Outcome) -> str:
    shown = [cell for row in outcome.rows[:1] for cell in row]
    return "no row" if not shown else "null" if shown[0] is None else shown[0][:60]

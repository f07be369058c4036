"""Rows of the victim's in tables that no column says the tenant of: what its own calls and writes leave there.

Only the functions that write such a table know how its keys are made, so no row can be put there for the victim. It
acts itself instead. New rows that name it, and nobody else, are its own, and so are those whose key is another for each
caller and the same each time. Of what else it leaves, only the words are its own: those it gave to a function, and
those of its rows elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from dbkit.leak.checks.functions.caller import Caller
from dbkit.leak.checks.functions.candidates import TEXTS
from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.checks.functions.triggers import firing_statements
from dbkit.leak.exchange import Exchange
from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, VICTIM, Identity, Values, identify, insert_statement
from dbkit.leak.statements import select_list
from dbkit.tenancy.model import Kind
from dbkit.tenancy.relations import Table

__all__ = ["WORDS", "Trace", "callable_by", "find_traces", "hidden_tables", "names", "rows_by_key"]

# What the victim says where a function takes any text.
WORDS = "words of the victim alone"
_OF_SESSION = re.compile(r"\b(?:pg_backend_pid|txid_current\w*|pg_current_xact_id\w*)\b", re.IGNORECASE)
_ACTS = 4
_WORDY = 4
_SHORT = 4
# One row of these may hold what several tenants have.
_DOCUMENTS = ("json", "jsonb", "_text", "_uuid")

Keyed = dict[tuple[str | None, ...], Values]


@dataclass(frozen=True)
class Trace:
    """What a statement of the victim's leaves in a table.

    Attributes:
        before: what the administrator does before it.
        undo: statements that take back what is its own of that, and nothing else; none where nothing is.
        rows: a condition that picks its own rows; empty where it only wrote into a document that was there.
    """

    act: str
    table: Table
    before: tuple[str, ...]
    undo: tuple[str, ...]
    rows: str


def hidden_tables(stand: Stand, routines: Routines) -> dict[str, Table]:
    """Tables, by name, that nobody said whose rows they hold and that no app role of the scope reaches by itself.

    None that hold what a session or a transaction is: here both callers act in the same one.
    """
    of_session = {
        name
        for routine in routines.all
        if _OF_SESSION.search(routine.definition)
        for name in routines.tables(routine, stand.model.relations, lambda _: True)
    }
    roles = stand.scope.scope.app_roles
    return {
        name: table.table
        for name, table in stand.scope.tables.items()
        if table.kind in (Kind.INTERNAL, Kind.SHARED)
        and not table.owned
        and name not in of_session
        and not any(_OF_SESSION.search(column.default or "") for column in table.table.columns.values())
        and not table.table.is_partition
        and table.table.kind in ("r", "p")
        and not any(stand.model.relations.privileges[role, name].reachable for role in roles)
    }


def callable_by(stand: Stand, routine: Routine) -> bool:
    """Whether the role may call the function in a query."""
    return routine.callable and routine.kind == "f" and stand.role.name in routine.roles


def find_traces(stand: Stand, exchange: Exchange, routines: Routines, caller: Caller, table: Table) -> Iterator[Trace]:
    """What is left of the victim's in a table, by the first statement for each function that writes it.

    Functions that write it through another which the role may call leave what that one does. First with the table
    empty, since rows that are there already may refuse a call or answer for it; then as it is, since they may be
    needed.
    """
    emptied = as_replica(f"delete from {table.sql}")
    found: dict[str, Trace] = {}
    for routine in routines.all:
        if table.qualified not in routines.written(routine, stand.model.relations, partial(callable_by, stand)):
            continue
        acts = list(dict.fromkeys(_acts(stand, routines, caller, routine)))[:_ACTS]
        told = list(caller.told(routine, WORDS)) if callable_by(stand, routine) else []
        left = [
            trace
            for before in (emptied, ())
            for act in (*acts, *told)
            if (trace := _left(stand, exchange, table, before, act))
        ]
        own = [trace for trace in left if trace.undo]
        words = [trace for trace in left if not trace.undo]
        for trace in (*own[:1], *words[:_WORDY]):
            found.setdefault(trace.rows or trace.act, trace)
    yield from found.values()


def _acts(stand: Stand, routines: Routines, caller: Caller, routine: Routine) -> Iterator[str]:
    """Statements of the victim's that run a function: calls of it, or writes of its own rows that fire it."""
    if callable_by(stand, routine):
        yield from (call.victim for call in caller.calls(routine))
    for name in routines.triggers.get(routine.oid, ()):
        yield from firing_statements(stand, name, VICTIM)


def rows_by_key(exchange: Exchange, table: Table, where: str = "true") -> Keyed:
    """Rows of a table as they are now, by primary key, or by all their values."""
    columns = list(table.columns)
    outcome = exchange.admin(f"select {select_list(table, columns)} from {table.sql} where {where}")
    rows = [dict(zip(columns, row, strict=True)) for row in outcome.rows]
    return {tuple(row[name] for name in table.primary_key or columns): row for row in rows}


def _left(stand: Stand, exchange: Exchange, table: Table, before: tuple[str, ...], act: str) -> Trace | None:
    victim, attacker = (stand.population.identities[slot] for slot in (VICTIM, ATTACKER))
    earlier, now = _around(exchange, table, before, VICTIM, act)
    added = {key: row for key, row in now.items() if key not in earlier}
    theirs = [row for row in added.values() if names(table, row, victim) and not names(table, row, attacker)]
    again = list(_around(exchange, table, before, VICTIM, act)[1].values()) if added else []
    theirs = theirs or list(_of_caller(exchange, table, before, act, added, again))
    rows = _picking(table, theirs, again)
    written = [
        (earlier[key], row)
        for key, row in now.items()
        if key in earlier and names(table, row, victim, _DOCUMENTS) and not names(table, earlier[key], victim)
    ]
    if not rows and not written:
        return Trace(act, table, before, (), "") if now != earlier else None
    undo = [f"delete from {table.sql} where {where}" for where in (rows, *(identify(table, row) for _, row in written))]
    undo = undo[not rows :] + [insert_statement(table, _given(table, row)) for row, _ in written]
    return Trace(act, table, before, as_replica(*undo), rows)


def _around(exchange: Exchange, table: Table, before: tuple[str, ...], slot: str, act: str) -> tuple[Keyed, Keyed]:
    """The rows before and after a statement; none where it is refused."""
    with exchange.trial():
        if before:
            exchange.admin(*before)
        earlier = rows_by_key(exchange, table)
        return ({}, {}) if exchange.act(slot, act).refused else (earlier, rows_by_key(exchange, table))


def _picking(table: Table, rows: Iterable[Values], again: Iterable[Values]) -> str:
    """A condition that picks these rows each time they are made: by what the server does not draw anew.

    Args:
        again: the rows of the table after the same was done a second time.
    """
    rows, again = list(rows), list(again)
    steady = [name for name in table.columns if {row[name] for row in rows} <= {row[name] for row in again}]
    key = table.primary_key if table.primary_key and set(table.primary_key) <= set(steady) else steady
    return " or ".join(dict.fromkeys(f"({identify(table, row, key)})" for row in rows)) if steady else ""


def _of_caller(
    exchange: Exchange, table: Table, before: tuple[str, ...], act: str, added: Keyed, again: Iterable[Values]
) -> Iterator[Values]:
    """Those of the added rows that the same statement of the attacker's adds under other keys, as a digest is."""
    if not added or not table.primary_key:
        return
    earlier, others = _around(exchange, table, before, ATTACKER, act)
    if others.keys() - earlier.keys():
        steady = {tuple(row[name] for name in table.primary_key) for row in again}
        yield from (row for key, row in added.items() if key in steady and key not in others)


def names(table: Table, row: Values, identity: Identity, bases: Iterable[str] = ()) -> bool:
    """Whether a value of the row is, or has in it, the id of the tenant or the user; short numbers alone are not.

    Args:
        bases: types of the columns to look at, empty for all.
    """
    known = {identity.tenant, identity.user, identity.context_tenant}
    for name, value in row.items():
        base = table.columns[name].base
        if value is None or (bases and base not in bases):
            continue
        wordy = base in (*TEXTS, *_DOCUMENTS)
        if any(re.search(rf"(?<![\w-]){re.escape(i)}(?![\w-])", value) for i in known if wordy or len(i) >= _SHORT):
            return True
    return False


def _given(table: Table, row: Values) -> Values:
    return {name: value for name, value in row.items() if not table.columns[name].generated}

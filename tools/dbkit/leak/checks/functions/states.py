"""Calls made again while rows are in another state: what a function does may wait for a flag, a step or an empty table.

The population is one moment of a product's life. Each state here is prepared by the administrator, by the words of the
body: the caller has no rows left, or an open one; the victim's rows are outdated, flagged, in a named status or of
today; nothing hangs on them; the victim has none yet; somebody else has what the body asks of the caller; or, where
every call was refused, everybody is at the step the body asks for. What counts is what the call does to the victim's
rows after that, or what of them it shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dbkit.leak.checks.functions.caller import Call
from dbkit.leak.checks.functions.catalog import Routine
from dbkit.leak.checks.functions.dependence import (
    AGGREGATES,
    answered_for_victim,
    removable,
    without_victims,
)
from dbkit.leak.checks.functions.effects import Effects
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.contexts import own_context
from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, BYSTANDER, VICTIM, Values, identify
from dbkit.leak.shapes import TIMES, assigned, numbers
from dbkit.tenancy.model import Kind
from dbkit.tenancy.relations import Column, Table, literal

__all__ = ["Question", "Shown", "other_states"]

_TEXTS = ("text", "varchar", "bpchar", "citext", "name")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_CALLS = 4
_STATES = 4
_AWAKENED = 12
_STAYS = ("a", "r")


@dataclass(frozen=True)
class Question:
    """One function to call again.

    Attributes:
        text: its body and those of the functions it calls.
        tables: what they touch.
        calls: as they were made in the plain state, in order.
        refused: every one of them was refused.
        reviewed: the declaration lists the function; what it does to everybody's rows on its own is meant.
    """

    stand: Stand
    effects: Effects
    routine: Routine
    text: str
    tables: list[str]
    calls: list[Call]
    refused: bool
    writes: bool
    truncates: bool
    dynamic: bool
    reviewed: bool


@dataclass(frozen=True)
class Shown:
    """A leak that one state shows. `how` is "foreign rows" or "foreign writes"."""

    sql: str
    witness: str
    how: str
    prepare: tuple[str, ...]


def other_states(question: Question) -> Iterator[Shown]:
    """What calls show in other states; nothing for functions that row security judges all the way."""
    if question.routine.definer or question.routine.settings:
        yield from _alone(question)
    if question.routine.definer:
        if question.writes:
            yield from _outdated(question)
            yield from _childless(question)
            yield from _absent(question)
        yield from _reopened(question)
        yield from _dated(question)
        yield from _sized(question)
        yield from _asked_before(question)
        yield from _vouched(question)
        if question.refused:
            yield from _awakened(question)


def _alone(question: Question) -> Iterator[Shown]:
    """The caller has no rows left: what hands out the next row then hands out the victim's."""
    stand = question.stand
    own = [name for name in question.tables if name in stand.victims and removable(stand, name)]
    if not own:
        return
    remove = [f"delete from {stand.protected[name].table.sql} where not ({stand.victims[name]})" for name in own]
    prepare = as_replica(*remove)
    for call in [call for call in question.calls if not call.names][:2]:
        outcome = stand.run(call.sql, prepare)
        witness = stand.shown(outcome, call.given)
        how = "foreign rows"
        if witness is None and not outcome.refused:
            witness = question.effects.written(question.truncates)
        if witness:
            yield Shown(call.sql, f"with no rows of its own left, {witness}", how, prepare)


def _outdated(question: Question) -> Iterator[Shown]:
    """A row of the victim's has what maintenance and second steps look for: old timestamps, flags set, a status."""
    stand = question.stand
    for name in _touched(question):
        table = stand.protected[name].table
        # One row of the victim's: PL/pgSQL refuses a second one behind INTO, and one is enough to be shown.
        one = identify(table, stand.population.tables[name].rows[VICTIM])
        for marks in _marks(question, table):
            prepare = as_replica(f"update {table.sql} set {marks} where {one}")
            for call in _calls(question, table):
                yield from _changed(question, call, prepare, "once one is outdated")


def _reopened(question: Question) -> Iterator[Shown]:
    """The caller's own row is where the body asks for NULL: begun and not ended, so that it is looked up again."""
    stand = question.stand
    for name in _touched(question):
        table, own = stand.protected[name].table, stand.population.tables[name].rows.get(ATTACKER)
        columns = [c for c in table.columns.values() if c.nullable and _asked_for_null(question, c)]
        if own is None or not columns:
            continue
        marks = ", ".join(f"{column.sql} = null" for column in columns)
        prepare = as_replica(f"update {table.sql} set {marks} where {identify(table, own)}")
        if stand.run("select 1", prepare).refused:
            continue
        for call in question.calls[:_AWAKENED]:
            witness = stand.shown(stand.run(call.sql, prepare), call.given)
            if witness:
                yield Shown(call.sql, f"once the own row is open, the answer shows {witness}", "foreign rows", prepare)


def _dated(question: Question) -> Iterator[Shown]:
    """A row of the victim's is of today, for what reports about today."""
    stand, words = question.stand, set(re.findall(r"\w+", question.text))
    for name in _touched(question):
        table = stand.protected[name].table
        columns = [c for c in table.columns.values() if c.base in TIMES and c.name in words and not c.generated]
        if not columns:
            continue
        marks = ", ".join(f"{c.sql} = {'current_date' if c.base == 'date' else 'now()'}" for c in columns)
        one = identify(table, stand.population.tables[name].rows[VICTIM])
        prepare = as_replica(f"update {table.sql} set {marks} where {one}")
        if stand.run("select 1", prepare).refused:
            continue
        for call in question.calls[:_CALLS]:
            outcome = stand.run(call.sql, prepare)
            witness = stand.shown(outcome, call.given)
            if witness is None and question.routine.returns_set and not AGGREGATES.search(question.text):
                fresh = Counter(outcome.rows) - Counter(stand.run(call.sql).rows)
                again = Counter(stand.run(call.sql, prepare).rows) == Counter(outcome.rows)
                witness = f"a row more: {next(iter(fresh))}" if fresh and again else None
            if witness:
                yield Shown(call.sql, f"once it is of today, the answer shows {witness}", "foreign rows", prepare)


def _sized(question: Question) -> Iterator[Shown]:
    """Everybody's numbers are large or small, for what gives only what is overdue, unpaid or above a limit."""
    stand = question.stand
    for name in _touched(question):
        table = stand.protected[name].table
        for shape in numbers(question.text, table):
            sizes = assigned(table, shape)
            prepare = as_replica(f"update {table.sql} set {sizes}")
            if stand.run("select 1", prepare).refused:
                continue
            for call in question.calls[:_CALLS]:
                witness = stand.shown(stand.run(call.sql, prepare), call.given)
                if witness:
                    yield Shown(call.sql, f"with {sizes}, the answer shows {witness}", "foreign rows", prepare)
            for call in _calls(question, table) if question.writes else ():
                yield from _changed(question, call, prepare, f"with {sizes}")


def _asked_before(question: Question) -> Iterator[Shown]:
    """The victim has asked the same before, and the answer was kept for whoever asks next."""
    stand = question.stand
    if not question.writes:
        return
    attacker, victim = (own_context(stand.scope, stand.population.identities[slot]) for slot in (ATTACKER, VICTIM))
    for call in [call for call in question.calls if not call.names][:_CALLS]:
        prepare = (*victim, call.sql, *attacker)
        witness = stand.shown(stand.run(call.sql, prepare), call.given)
        if witness:
            yield Shown(call.sql, f"once the victim has asked, the answer shows {witness}", "foreign rows", prepare)


def _childless(question: Question) -> Iterator[Shown]:
    """No row references the victim's any more, which had kept it from being deleted."""
    if not re.search(r"\bdelete\b", question.text, re.IGNORECASE):
        return
    stand = question.stand
    for name in _touched(question):
        remove = [
            f"delete from {child.table.sql} where {stand.victims[other]}"
            for other, child in stand.protected.items()
            for key in child.table.foreign_keys
            if other in stand.victims and other != name and key.target == name and key.on_delete in _STAYS
        ]
        if remove:
            prepare = as_replica(*dict.fromkeys(remove))
            for call in _calls(question, stand.protected[name].table):
                if call.names:
                    yield from _changed(question, call, prepare, "once nothing references them")


def _absent(question: Question) -> Iterator[Shown]:
    """The victim has no row yet, so that one is stored for it and not refused for the one that is there."""
    stand = question.stand
    if not re.search(r"\binsert\s+into\b", question.text, re.IGNORECASE):
        return
    for name in _touched(question):
        if stand.protected[name].kind not in (Kind.TENANT, Kind.INTERNAL) or not removable(stand, name):
            continue
        table = stand.protected[name].table
        prepare = as_replica(f"delete from {table.sql} where {stand.victims[name]}")
        for call in [call for call in question.calls if "tenant" in call.names]:
            yield from _changed(question, call, prepare, "where there were none")


def _vouched(question: Question) -> Iterator[Shown]:
    """A person who is neither caller nor victim has the flag, role or status that lets in whoever has it."""
    stand = question.stand
    changes = [
        (name, marks, f"update {table.sql} set {marks} where {identify(table, row)}")
        for name in question.tables
        if (row := _row_of_bystander(stand, name)) is not None
        for table in [stand.model.relations.tables[name]]
        for marks in _marks(question, table)
    ]
    named = [call for call in question.calls if call.names] if changes else []
    refused = [call for call in named[:_CALLS] if stand.run(call.sql).refused]
    for name, marks, change in changes:
        for call in refused:
            prepare = as_replica(change)
            outcome = stand.run(call.sql, prepare)
            if outcome.refused or stand.run(call.sql, prepare).rows != outcome.rows:
                continue  # refused as before, or an answer that is another each time
            without = stand.run(call.sql, (*prepare, *without_victims(stand, question.tables)))
            if outcome.rows != without.rows:
                witness = f"a row of {name} that is neither's ({marks}) opens it: {outcome.rows[:1]}"
                yield Shown(call.sql, witness, "foreign rows", prepare)


def _row_of_bystander(stand: Stand, name: str) -> Values | None:
    """Somebody's row of a table that says what a person is, and nothing of what is the tenant's."""
    users, rows, table = stand.model.users, stand.population.tables.get(name), stand.scope.tables.get(name)
    of_persons = (users and users[0] == name) or stand.model.user_columns.get(name)
    if not of_persons or rows is None or table is None or table.kind is Kind.TENANT:
        return None
    row = rows.rows.get(BYSTANDER)
    return None if row is rows.rows.get(VICTIM) else row


def _awakened(question: Question) -> Iterator[Shown]:
    """Everybody's rows are at a step that the body names, where none of the plain calls got past the first question."""
    stand = question.stand
    for name in _touched(question):
        table = stand.protected[name].table
        for column in table.columns.values():
            for step in _steps(question, table, column):
                prepare = as_replica(f"update {table.sql} set {column.sql} = {literal(step)}")
                if stand.run("select 1", prepare).refused:
                    continue
                named = [call for call in question.calls if literal(step) in call.sql]
                for call in (named or question.calls)[:_AWAKENED]:
                    outcome = stand.run(call.sql, prepare)
                    witness = stand.shown(outcome, call.given)
                    where = f"with {column.name} = {literal(step)} everywhere"
                    if witness:
                        yield Shown(call.sql, f"{where}, the answer shows {witness}", "foreign rows", prepare)
                        continue
                    if not outcome.refused and question.writes:
                        yield from _changed(question, call, prepare, where)
                    if not outcome.refused and not question.routine.drawn:
                        witness = answered_for_victim(stand, question.tables, call, prepare)
                        if witness:
                            yield Shown(call.sql, f"{where}, it {witness}", "foreign rows", prepare)


# Parts of states


def _touched(question: Question) -> list[str]:
    """Tables with rows of the victim that the function works on; with dynamic SQL it may be any."""
    victims = question.stand.victims
    named = [name for name in question.tables if name in victims]
    if question.dynamic and any(argument.type.base == "regclass" for argument in question.routine.arguments):
        return named + [name for name in victims if name not in named]
    return named


def _calls(question: Question, table: Table) -> list[Call]:
    """Calls that may reach a row of a table: those that name it where they name tables, else the first of each kind."""
    calls = [call for call in question.calls if table.sql in call.sql and call.names]
    if not calls:
        named = [call for call in question.calls if call.names]
        unnamed = [] if question.reviewed else [call for call in question.calls if not call.names][:2]
        calls = unnamed + named
    return calls[:_CALLS]


def _marks(question: Question, table: Table) -> Iterator[str]:
    """Assignments that give a table's rows what the body may ask of timestamps, flags and statuses."""
    words = set(re.findall(r"\w+", question.text))
    columns = [
        column
        for column in table.columns.values()
        if column.name in words and not column.generated and column.name not in table.primary_key
    ]
    fixed = {column.sql: "'2000-01-01'" for column in columns if column.base in TIMES}
    fixed |= {column.sql: f"not coalesce({column.sql}, false)" for column in columns if column.base == "bool"}
    # What is still open and overdue: claimed_at is null and expires_at < now().
    unset = {column.sql: "null" for column in columns if column.nullable and _asked_for_null(question, column)}
    if unset:
        yield ", ".join(f"{name} = {value}" for name, value in {**fixed, **unset}.items())
    states = {column.sql: found for column in columns if (found := _steps(question, table, column, compared=True))}
    for number in range(min(_STATES, max(map(len, states.values()), default=1))):
        chosen = {name: literal(found[min(number, len(found) - 1)]) for name, found in states.items()}
        assignments = [f"{name} = {value}" for name, value in {**fixed, **chosen}.items()]
        if assignments:
            yield ", ".join(assignments)


def _asked_for_null(question: Question, column: Column) -> bool:
    return re.search(rf"\b{re.escape(column.name)}\s+is\s+null\b", question.text, re.IGNORECASE) is not None


def _steps(question: Question, table: Table, column: Column, *, compared: bool = False) -> list[str]:
    """Texts of a column that the body names: those its CHECK lists, or those it is compared with."""
    if column.base not in _TEXTS or column.name in table.primary_key:
        return []
    if compared:
        pattern = rf"\b{re.escape(column.name)}\s*(?:=|in\b)\s*(\([^)]*\)|'(?:[^']|'')*')"
        listed = " ".join(re.findall(pattern, question.text, re.IGNORECASE))
        return list(dict.fromkeys(_LITERAL.findall(listed)))
    if column.name not in question.text:
        return []
    listed = " ".join(check.expression for check in table.checks if set(check.columns) == {column.name})
    named = set(_LITERAL.findall(question.text))
    return [text for text in dict.fromkeys(_LITERAL.findall(listed)) if text in named]


def _changed(question: Question, call: Call, prepare: tuple[str, ...], when: str) -> Iterator[Shown]:
    """Whether the call, in this state, leaves the victim's rows of some table other than the state made them."""
    stand, names = question.stand, _touched(question)
    if stand.run(call.sql, prepare).refused:
        return
    after = {name: question.effects.victims_rows(name) for name in names}
    stand.run("select 1", prepare)
    for name in names:
        before = question.effects.victims_rows(name)
        if before != after[name]:
            count = len((before - after[name]) or (after[name] - before))
            witness = f"{count} rows of the victim in {name} are gone, changed or new, {when}"
            yield Shown(call.sql, witness, "foreign writes", prepare)
            return

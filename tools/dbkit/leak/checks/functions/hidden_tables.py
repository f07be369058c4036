"""OBJ-03: functions over tables out of reach that no column says the tenant of: quotas, locks, caches, counters.

The text of a key alone tells whose row it is there, so a function that looks for less mixes tenants up: one is refused,
answered or robbed by what another has done. The victim acts, the attacker calls, and what comes is compared with what
comes where just the victim's rows are taken back. Calls are made with the rows as they are, and with times and counts
in them that the body may ask for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial

from dbkit.leak.checks.functions.caller import Caller
from dbkit.leak.checks.functions.calls import unreviewed
from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.dependence import AGGREGATES, TIMED_OUT
from dbkit.leak.checks.functions.stand import CALL_TIMEOUT, Stand
from dbkit.leak.checks.functions.traces import WORDS, Trace, callable_by, find_traces, hidden_tables, names, rows_by_key
from dbkit.leak.checks.subject import NEEDS_PARAMETERS
from dbkit.leak.exchange import Caller as Person
from dbkit.leak.exchange import Exchange
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.leak.session import Outcome, Session
from dbkit.leak.shapes import TIMES
from dbkit.report import Evidence, Finding
from dbkit.tenancy.relations import Column, Table

__all__ = ["check_hidden_tables"]

_CALLS = 4
_STATES = 12
_AHEAD = "now() + interval '1 hour'"
_MOST = {"int2": "30000", "int4": "1000000", "int8": "1000000", "numeric": "1000000"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def check_hidden_tables(
    stand: Stand, routines: Routines, caller: Caller, admin: Session, open_anyway: Collection[str | None] = ()
) -> Iterator[Finding]:
    """Call every function over such tables while the victim's rows are there.

    Args:
        admin: a session of the administrator's without an open transaction.
        open_anyway: names of functions that are shown to leak already, so that nothing is added by this.
    """
    hidden = hidden_tables(stand, routines)
    apart = partial(callable_by, stand)
    asked = [
        (routine, tables)
        for routine in routines.attacked
        if routine.qualified not in open_anyway and callable_by(stand, routine) and not _sets_context(stand, routine)
        if (tables := [name for name in routines.tables(routine, stand.model.relations, apart) if name in hidden])
    ]
    if not asked:
        return
    # What the attacker's own connection has locked would be waited for here.
    stand.attacker.session.must("rollback")
    traces: dict[str, list[Trace]] = {}
    with Exchange(admin, stand.model, stand.population, Person(stand.scope, stand.role)) as exchange:
        exchange.admin(CALL_TIMEOUT)
        for routine, tables in asked:
            for name in tables:
                if name not in traces:
                    traces[name] = list(find_traces(stand, exchange, routines, caller, hidden[name]))
            attack = _Attack(stand, exchange, routines, caller, routine)
            found = next((f for name in tables for trace in traces[name] for f in attack.over(trace)), None)
            if found is not None:
                yield found
    stand.renew()


def _sets_context(stand: Stand, routine: Routine) -> bool:
    return any(re.search(rf"\b{re.escape(routine.name)}\s*\(", text) for text in stand.scope.scope.context)


@dataclass(frozen=True)
class _Difference:
    """What the victim's rows change. `is_figure`: nothing but numbers of an answer."""

    witness: str
    control: str
    is_figure: bool = False


class _Attack:
    """One function called by one role while the victim's rows are there."""

    def __init__(self, stand: Stand, exchange: Exchange, routines: Routines, caller: Caller, routine: Routine) -> None:
        self.stand = stand
        self.exchange = exchange
        self.routine = routine
        self.text = "\n".join(each.facts.text for each in routines.reached(routine))
        self.written = routines.written(routine, stand.model.relations)
        self.reviewed = not unreviewed(routine, stand.model.declaration.definers)
        calls = caller.calls(routine)
        own = dict.fromkeys(_table_call(call.own) for call in calls)
        # What the victim would give, where that can be guessed.
        theirs = {} if routine.drawn else dict.fromkeys(_table_call(call.victim) for call in calls)
        self.calls = list(dict.fromkeys([*list(own)[:_CALLS], *list(theirs)[:_CALLS]]))

    def over(self, trace: Trace) -> Iterator[Finding]:
        """What the rows of one trace change: in answers, and by calls in the rows themselves."""
        if not trace.undo:
            yield from self._words(trace)
            return
        without = self._answers(trace, removed=True)
        # One that does not end in time tells nothing, and would take it once for every state.
        self.calls = [call for call in self.calls if without.get(call, Outcome()).sqlstate != TIMED_OUT]
        again = self._answers(trace, removed=True) if self.calls and without else {}
        for marks in ("", *(_marks(self.text, trace.table) if trace.rows else ())):
            for call, present in self._answers(trace, marks).items():
                if call not in again or _compared(without[call], present, again[call], present) is None:
                    continue
                told = self._told_in_turn(trace, marks, call)
                if told is not None and not self._is_meant(told):
                    yield self._finding(trace, marks, call, told, "definer_function_confuses_tenants")
        if trace.rows and trace.table.qualified in self.written:
            for call in self.calls:
                told = self._changes(trace, call)
                if told is not None:
                    yield self._finding(trace, "", call, told, "definer_function_writes_foreign_rows")

    def _words(self, trace: Trace) -> Iterator[Finding]:
        """The victim's words in an answer: what it gave to a function, or what is in its rows elsewhere."""
        for call, outcome in self._answers(trace).items():
            text = "\x1f".join(cell for row in outcome.rows for cell in row if cell)
            witness = repr(WORDS) if WORDS in text and WORDS not in call else self.stand.shown(outcome, call)
            if witness and self.stand.shown(self._alone(call), call) is None:
                told = _Difference(f"the answer shows {witness}", "it shows nothing of the victim's")
                yield self._finding(trace, "", call, told, "definer_function_confuses_tenants")

    def _is_meant(self, told: _Difference) -> bool:
        """A figure over the rows of all tenants, and what a reviewed function does to everybody's rows on its own."""
        return told.is_figure and (self.reviewed or AGGREGATES.search(self.text) is not None)

    def _answers(self, trace: Trace, marks: str = "", *, removed: bool = False) -> dict[str, Outcome]:
        """The answer to each call after what the victim did; none where the state cannot be made."""
        answers = {}
        with self.exchange.trial():
            for call in self.calls if self._prepared(trace, marks, removed=removed) else ():
                with self.exchange.trial():
                    answers[call] = self.exchange.act(ATTACKER, call)
        return answers

    def _alone(self, call: str) -> Outcome:
        with self.exchange.trial():
            return self.exchange.act(ATTACKER, call)

    def _told_in_turn(self, trace: Trace, marks: str, call: str) -> _Difference | None:
        """How the answer is another where the victim's rows are, seen twice.

        The calls with and without them take turns: what the clock or a sequence moves on is then no difference.
        """
        answers = []
        for removed in (True, False, True, False):
            with self.exchange.trial():
                if not self._prepared(trace, marks, removed=removed):
                    return None
                answers.append(self.exchange.act(ATTACKER, call))
        return _compared(*answers)

    def _changes(self, trace: Trace, call: str) -> _Difference | None:
        """Which row of the victim's a call deletes, or changes under a key that names nobody else.

        Not where it only does so to what has run out.
        """
        ahead = ", ".join(f"{c.sql} = {_AHEAD}" for c in trace.table.columns.values() if c.base in TIMES)
        told = [self._changed(trace, marks, call) for marks in dict.fromkeys(("", ahead))]
        return _Difference(told[0], "it is as the victim left it") if told[0] and all(told) else None

    def _changed(self, trace: Trace, marks: str, call: str) -> str | None:
        with self.exchange.trial():
            if not self._prepared(trace, marks):
                return None
            before = rows_by_key(self.exchange, trace.table, trace.rows)
            if self.exchange.act(ATTACKER, call).refused:
                return None
            after = rows_by_key(self.exchange, trace.table, trace.rows)
        victim = self.exchange.identity(VICTIM)
        for key, row in before.items():
            if key not in after:
                return f"the victim's row of {trace.table.qualified} is gone: {row}"
            own_key = {name: row[name] for name in trace.table.primary_key}
            if after[key] != row and names(trace.table, own_key, victim):
                return f"the victim's row of {trace.table.qualified} became {after[key]}"
        return None

    def _prepared(self, trace: Trace, marks: str, *, removed: bool = False) -> bool:
        """Whether the victim has acted and its rows are as wanted.

        Args:
            removed: what it left is taken back.
        """
        if trace.before:
            self.exchange.admin(*trace.before)
        if self.exchange.act(VICTIM, trace.act).refused:
            return False
        mark = f"update {trace.table.sql} set {marks} where {trace.rows}"
        steps = trace.undo if removed else as_replica(mark) if marks else ()
        return not steps or not self.exchange.admin(*steps).refused

    def _finding(self, trace: Trace, marks: str, call: str, told: _Difference, rule: str) -> Finding:
        with self.exchange.trial():
            self._prepared(trace, marks)
            self.exchange.act(ATTACKER, call)
            script = self.exchange.sql
        table, role = trace.table.qualified, self.exchange.caller.role.name
        return Finding(
            rule=rule,
            message=f"{role} meets another tenant's rows of {table} through {self.routine.signature}",
            category="OBJ-03",
            verdict=LEAK,
            object=self.routine.qualified,
            detail=f"No column of {table} names the tenant, so its key has to. {NEEDS_PARAMETERS}",
            hint="Make the tenant a part of the key, and look for no row without it.",
            evidence=Evidence(
                script, f"after what the victim did, {told.witness}", f"without what that left, {told.control}"
            ),
        )


def _table_call(sql: str) -> str:
    """Each column of the answer by itself, so that a time in it does not hide what the others tell."""
    return sql.replace("select ", "select * from ", 1)


def _marks(text: str, table: Table) -> list[str]:
    """Assignments that bring a row where the body may look for it: times ahead and past, full and empty counts."""
    words = set(re.findall(r"\w+", text))
    keys = {name for unique in table.uniques for name in unique.columns} | set(table.primary_key)
    columns = [c for c in table.columns.values() if c.name in words and c.name not in keys and not c.generated]
    times = [column for column in columns if column.base in TIMES]
    ahead = [", ".join(f"{column.sql} = {_AHEAD}" for column in times)] if len(times) > 1 else []
    return [*ahead, *(f"{column.sql} = {value}" for column in columns for value in _extremes(column))][:_STATES]


def _extremes(column: Column) -> tuple[str, ...]:
    if column.base in TIMES:
        return _AHEAD, "now() - interval '1 year'"
    if column.base in _MOST:
        return _MOST[column.base], "0"
    return (f"not coalesce({column.sql}, false)",) if column.base == "bool" else ()


def _compared(without: Outcome, present: Outcome, without_again: Outcome, present_again: Outcome) -> _Difference | None:
    """What is one thing each time without the victim's rows, and another each time with them."""
    answers = (without, present, without_again, present_again)
    if any(answer.sqlstate == TIMED_OUT for answer in answers):
        return None
    if without.refused or present.refused:
        steady = without.sqlstate == without_again.sqlstate and present.sqlstate == present_again.sqlstate
        return _Difference(_told(present), _told(without)) if steady and without.sqlstate != present.sqlstate else None
    counts = [len(answer.rows) for answer in answers]
    if counts[:2] != counts[2:]:
        return None
    if counts[0] != counts[1]:
        return _Difference(f"it returns {counts[1]} rows", f"it returns {counts[0]} rows")
    pairs = [
        (one, other)
        for rows in zip(*(answer.rows for answer in answers), strict=True)
        for one, other, one_again, other_again in zip(*rows, strict=True)
        if one == one_again and other == other_again and one != other
    ]
    if not pairs:
        return None
    is_figure = all(_NUMBER.fullmatch(value or "0") for pair in pairs for value in pair)
    return _Difference(f"it returns {pairs[0][1]!r}", f"it returns {pairs[0][0]!r}", is_figure)


def _told(outcome: Outcome) -> str:
    return f"it is refused: {outcome}" if outcome.refused else f"it returns {outcome}"

"""Own rows that carry another tenant's values: what triggers, rules and policies then do with them.

A trigger that looks a row up by a number, a rule that joins without the tenant, a policy that follows (type, id): each
takes a value on trust. So the attacker's own valid row is written again and again, each time with one value that it
could have guessed of the victim's, and what the victim owns and reads, and what the attacker learns, is compared.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange
from dbkit.leak.machinery import Machinery, mentioned, with_called, words
from dbkit.leak.observation import Seen, belongings, distinctive_values, news, readable, reads, shown_value
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM, Values
from dbkit.leak.session import Outcome
from dbkit.leak.viewcolumns import view_sources
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import TableModel
from dbkit.tenancy.relations import Column, Table, literal

__all__ = ["check_injections"]

_MOST = 120
_KINDS = 6
_TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "name"})
_WHOLE = frozenset({"int2", "int4", "int8", "numeric"})
_CONSTANT = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True)
class _Entry:
    """A relation the attacker writes to.

    Attributes:
        row: its own valid row.
        looked_up: tables in which what it writes is looked up.
        columns: columns whose values are looked up.
        watched: relations in which something may come of it.
    """

    relation: Table
    row: Values
    looked_up: tuple[Table, ...]
    columns: tuple[str, ...]
    watched: tuple[Table, ...]


def check_injections(subject: Subject, caller: Caller, machinery: Machinery) -> Iterator[Finding]:
    for entry in _entries(subject, caller, machinery):
        if not subject.writes(entry.relation.qualified, *(table.qualified for table in entry.watched)):
            continue
        finding = _attack(subject, caller, entry)
        if finding is not None:
            yield finding


# Where a value of the attacker's is looked up


def _entries(subject: Subject, caller: Caller, machinery: Machinery) -> Iterator[_Entry]:
    relations = subject.model.relations
    populated = [
        relations.tables[name]
        for name, rows in subject.population.tables.items()
        if VICTIM in rows.rows and caller.scope.tables[name].protected
    ]
    for relation in relations.tables.values():
        held = caller.privileges(subject.model, relation)
        if relation.kind not in ("r", "p", "v") or not held.may("insert"):
            continue
        row = _own_row(subject, relation)
        if row is None:
            continue
        row = {name: value for name, value in row.items() if name in held.columns.get("insert", frozenset())}
        running = machinery.text(relation)
        guarding = with_called(_select_policies(relation), machinery.functions)
        found = mentioned(running, populated, looked_up=True) + mentioned(guarding, populated)
        looked_up = [table for table in _once(found) if table is not relation or running]
        if not looked_up:
            continue
        owner = caller.scope.tables.get(relation.qualified)
        # Another tenant's person may be named, invited or written to: that is not another tenant's row.
        people = subject.model.person_columns.get(relation.qualified, ())
        columns = [name for name in row if (owner is None or name != owner.column) and name not in people]
        if not running:
            columns = [name for name in columns if name in words(guarding)]
        watched = mentioned(f"{running}\n{guarding}", relations.tables.values())
        yield _Entry(relation, row, tuple(looked_up), tuple(columns), tuple(_once([relation, *watched])))


def _once(tables: list[Table]) -> list[Table]:
    return list({table.oid: table for table in tables}.values())


def _select_policies(table: Table) -> str:
    return "\n".join(policy.using or "" for policy in table.policies if policy.command in ("select", "all"))


def _own_row(subject: Subject, relation: Table) -> Values | None:
    """A further valid row of the attacker's; for a view, as the view takes it."""
    if relation.kind != "v":
        rows = subject.population.tables.get(relation.qualified)
        return dict(rows.spares[ATTACKER]) if rows and ATTACKER in rows.spares else None
    sources = view_sources(subject.session, subject.model.relations, relation)
    found: Values = {}
    for name, source in sources.items():
        rows = subject.population.tables.get(source.table.qualified)
        if rows and ATTACKER in rows.spares and source.column in rows.spares[ATTACKER]:
            found[name] = rows.spares[ATTACKER][source.column]
    return found or None


# One value at a time


def _values(subject: Subject, entry: _Entry) -> Iterator[Values]:
    """Own rows with one value of the victim's, and with each of the constants a type column may hold."""
    kinds = {name: _constants(entry.relation, entry.relation.columns[name]) for name in entry.columns}
    kinds = {name: values for name, values in kinds.items() if values}
    products = itertools.islice(itertools.product(*kinds.values()), _KINDS)
    settings = [dict(zip(kinds, choice, strict=True)) for choice in products]
    for table in entry.looked_up:
        victim = subject.population.tables[table.qualified].rows[VICTIM]
        for name, source in itertools.product(entry.columns, victim):
            value = victim[source]
            if value is None or name in kinds or value == entry.row[name]:
                continue
            if _alike(entry.relation.columns[name], table.columns[source]):
                for setting in settings:
                    yield {name: value, **setting}


def _constants(table: Table, column: Column) -> list[str]:
    found = list(column.labels)
    for check in table.checks:
        if check.columns == (column.name,) and column.base in _TEXTS:
            found += _CONSTANT.findall(check.expression)
    return list(dict.fromkeys(found))[:_KINDS]


def _alike(one: Column, other: Column) -> bool:
    return one.base == other.base or any({one.base, other.base} <= family for family in (_TEXTS, _WHOLE))


# What comes of it


def _attack(subject: Subject, caller: Caller, entry: _Entry) -> Finding | None:
    values = distinctive_values(subject.model, subject.population)
    foreign = [value for value, slots in values.items() if VICTIM in slots]
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        world = _World.look(subject, caller, exchange, entry)
        with exchange.trial():
            own = _insert(entry.relation, entry.row)
            control = exchange.act(ATTACKER, own)
            if control.refused or world.judge(subject, exchange, control, foreign, own) is not None:
                # Not taken, so a refusal would tell nothing; or it crosses with any value, which other checks show.
                return None
        for changed in itertools.islice(_values(subject, entry), _MOST):
            statement = _insert(entry.relation, {**entry.row, **changed})
            with exchange.trial():
                outcome = exchange.act(ATTACKER, statement)
                witness = world.judge(subject, exchange, outcome, foreign, statement)
                if witness is not None:
                    twin = f"{own}; -- without a value of the victim's: {control}"
                    return _finding(caller, entry, changed, witness, Evidence(exchange.sql, witness[1], twin))
    return None


@dataclass(frozen=True)
class _World:
    """What there was before the attack."""

    tables: list[TableModel]
    watched: list[Table]
    belongings: set[str]
    victim: Seen
    attacker: Seen

    @classmethod
    def look(cls, subject: Subject, caller: Caller, exchange: Exchange, entry: _Entry) -> _World:
        tables = [caller.scope.tables[t.qualified] for t in entry.watched if t.qualified in caller.scope.tables]
        tables = [table for table in tables if table.owned and table.table is not entry.relation]
        watched = readable(exchange, subject.model, entry.watched)
        return cls(
            tables,
            watched,
            belongings(exchange, subject.model, subject.population, tables),
            reads(exchange, subject.model, VICTIM, watched),
            reads(exchange, subject.model, ATTACKER, watched),
        )

    def judge(
        self, subject: Subject, exchange: Exchange, outcome: Outcome, foreign: list[str], statement: str
    ) -> tuple[str, str] | None:
        """("read" or "write", what shows it), or None where nothing crossed."""
        value = shown_value(outcome, foreign, statement)
        if value is not None:
            return "read", f"the error shows a value of the victim's row: {outcome}"
        if outcome.refused:
            return None
        after = belongings(exchange, subject.model, subject.population, self.tables)
        if after != self.belongings:
            changed = sorted(after - self.belongings) or sorted(self.belongings - after)
            return "write", f"a row of the victim's changed, came or went: {changed[0]}"
        shown = news(self.victim, reads(exchange, subject.model, VICTIM, self.watched))
        if shown is not None:
            return "write", f"the victim now reads in {shown[0]}: {shown[1]}"
        for name, rows in reads(exchange, subject.model, ATTACKER, self.watched).items():
            for row in rows - self.attacker.get(name, Counter()):
                if shown_value(Outcome(rows=(row,)), foreign, statement):
                    exchange.act(ATTACKER, f"select * from {subject.model.relations.tables[name].sql}")
                    return "read", f"the attacker now reads in {name}: {row}"
        return None


def _insert(relation: Table, row: Values) -> str:
    names = ", ".join(relation.columns[name].sql for name in row)
    identity = any(relation.columns[name].identity == "a" for name in row)
    overriding = " overriding system value" if identity else ""
    return f"insert into {relation.sql} ({names}){overriding} values ({', '.join(map(literal, row.values()))})"


def _finding(caller: Caller, entry: _Entry, changed: Values, witness: tuple[str, str], evidence: Evidence) -> Finding:
    name, columns = entry.relation.qualified, ", ".join(changed)
    effect = "reads the other tenant's row" if witness[0] == "read" else "reaches into the other tenant"
    return Finding(
        rule="value_followed_across_tenants",
        message=f"{caller.role.name} {effect} by writing a value of theirs to {name} ({columns})",
        category="RI-01" if witness[0] == "write" else "FLOW-03",
        verdict=LEAK,
        object=name,
        detail=f"A trigger, rule or policy looks the value up without comparing the tenant. {NEEDS_PARAMETERS}",
        hint="Compare the tenant too where the value is looked up, and refuse it in WITH CHECK where it is written.",
        evidence=evidence,
    )

"""OBJ-01: views whose filter none of the made-up rows meets, attacked once they do.

A view that shows only what is overdue or above a limit is empty over rows that are neither, and an empty view proves
nothing. The administrator gives everybody's rows what the definitions ask until the victim's are in it, and then the
attacker reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.observation import distinctive_values, shown_value
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.leak.shapes import assigned, shapes
from dbkit.leak.statements import select_list
from dbkit.leak.viewcolumns import read_definitions, whole_definition
from dbkit.report import Evidence, Finding
from dbkit.tenancy.relations import Table

__all__ = ["check_view_states"]


def check_view_states(subject: Subject) -> Iterator[Finding]:
    views = [
        table
        for name, table in subject.model.relations.tables.items()
        if table.kind == "v" and name not in subject.model.shared_views
    ]
    values = distinctive_values(subject.model, subject.population)
    foreign = [value for value, slots in values.items() if VICTIM in slots]
    own = [value for value, slots in values.items() if ATTACKER in slots]
    definitions = read_definitions(subject.session, subject.model.relations)
    for caller in callers(subject.model):
        for view in views:
            if caller.privileges(subject.model, view).may("select"):
                text = whole_definition(view.qualified, definitions)
                yield from _attack(subject, caller, view, text, foreign, own)


def _attack(
    subject: Subject, caller: Caller, view: Table, text: str, foreign: list[str], own: list[str]
) -> Iterator[Finding]:
    held = caller.privileges(subject.model, view).columns["select"]
    query = f"select {select_list(view, [name for name in view.columns if name in held])} from {view.sql}"
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        with exchange.trial():
            plain = exchange.admin(query)
        if plain.refused or shown_value(plain, foreign):
            return  # the attack on the view itself says what its caller sees
        for table in _below(subject, caller, text):
            for shape in shapes(text, table):
                values = assigned(table, shape)
                with exchange.trial():
                    given = exchange.admin(*as_replica(f"update {table.sql} set {values}"))
                    if given.refused or not shown_value(exchange.admin(query), foreign):
                        continue
                    outcome = exchange.act(ATTACKER, query)
                    value = shown_value(outcome, foreign)
                    if value is not None:
                        control = f"own value shown: {shown_value(outcome, own)}; without {values}: {plain}"
                        yield _finding(
                            caller, view, Evidence(exchange.sql, f"a value of the victim's: {value}", control)
                        )
                return


def _below(subject: Subject, caller: Caller, text: str) -> Iterator[Table]:
    """Tables that the definitions name and that hold rows of both."""
    words = set(re.findall(r"\w+", text))
    for name, rows in subject.population.tables.items():
        table = caller.scope.tables.get(name)
        if table is not None and table.owned and table.table.name in words and {ATTACKER, VICTIM} <= set(rows.rows):
            yield table.table


def _finding(caller: Caller, view: Table, evidence: Evidence) -> Finding:
    return Finding(
        rule="view_shows_foreign_rows",
        message=f"{view.qualified} shows {caller.role.name} rows of another tenant once they meet its filter",
        category="OBJ-01",
        verdict=LEAK,
        object=view.qualified,
        detail=f"It, or a view or function it reads, runs with its owner's rights. {NEEDS_PARAMETERS}",
        hint=f"Run: alter view {view.sql} set (security_invoker = true); and let the functions it calls do so, too.",
        evidence=evidence,
    )

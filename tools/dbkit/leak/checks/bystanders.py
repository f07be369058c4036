"""POL-06: a policy, or the helper it asks, that forgets the user: what somebody else is opens rows to everybody.

`exists (select from people where is_support)` was meant to say that the caller is support. As long as nobody is, it
opens nothing. So a person who is neither attacker nor victim is made so, and the attacker looks for the victim's rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.edits import decides, mightier
from dbkit.leak.exchange import Exchange, callers
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, BYSTANDER, VICTIM, identify
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import Kind
from dbkit.tenancy.relations import Table, literal

__all__ = ["check_bystanders"]


def check_bystanders(subject: Subject) -> Iterator[Finding]:
    changes = list(_changes(subject))
    seen: set[str] = set()
    for caller in callers(subject.model) if changes else ():
        with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
            before = _in_sight(exchange, subject)
            for table, column, update in changes:
                with exchange.trial():
                    exchange.admin(*as_replica(update))
                    opened = sorted(_in_sight(exchange, subject) - before)
                    if not opened or f"{table.qualified}.{column} {opened}" in seen:
                        continue
                    seen.add(f"{table.qualified}.{column} {opened}")
                    exchange.act(ATTACKER, _look(exchange, subject, opened[0]) or "")
                    yield Finding(
                        rule="policy_forgets_the_user",
                        message=f"{caller.role.name} reads {', '.join(opened)} of another tenant as soon as anybody's "
                        f"{column} in {table.qualified} is what a policy asks for",
                        category="POL-06",
                        verdict=LEAK,
                        object=opened[0],
                        detail=f"The policy, or a function that it asks, does not compare whose row of "
                        f"{table.qualified} it is. {NEEDS_PARAMETERS}",
                        hint=f"Compare the user column of {table.qualified} with the context there.",
                        evidence=Evidence(
                            exchange.sql, f"the victim's row of {opened[0]} is read", "before the change: not read"
                        ),
                    )


def _changes(subject: Subject) -> Iterator[tuple[Table, str, str]]:
    """Of tables that say what a person is: a column that may decide, and what makes a bystander mighty there."""
    model = subject.model
    for name, rows in subject.population.tables.items():
        table = model.relations.tables[name]
        registries = {model.users and model.users[0], model.memberships and model.memberships.table}
        if name not in registries and (not model.user_columns.get(name) or _of_tenant(subject, name)):
            continue
        row = rows.rows.get(BYSTANDER)
        if row is None or row is rows.rows.get(VICTIM) or table.kind not in ("r", "p"):
            continue
        for column in table.columns.values():
            if column.name in table.primary_key or column.generated or not decides(model, column.name):
                continue
            for value in mightier(model, table, column, row[column.name]):
                where = identify(table, row)
                yield table, column.name, f"update {table.sql} set {column.sql} = {literal(value)} where {where}"


def _of_tenant(subject: Subject, name: str) -> bool:
    return any(scope.tables[name].kind is Kind.TENANT for scope in subject.model.scopes)


def _in_sight(exchange: Exchange, subject: Subject) -> set[str]:
    """Protected tables in which the attacker reads the victim's row; the bystander's may be open for what they are."""
    found = {name: query for name in exchange.caller.scope.tables if (query := _look(exchange, subject, name))}
    parts = [f"select {literal(name)} where exists ({query})" for name, query in found.items()]
    if not parts:
        return set()
    with exchange.trial():
        outcome = exchange.act(ATTACKER, " union all ".join(parts))
    return {str(row[0]) for row in outcome.rows}


def _look(exchange: Exchange, subject: Subject, name: str) -> str | None:
    table, rows = exchange.caller.scope.tables[name], subject.population.tables.get(name)
    columns = exchange.caller.privileges(subject.model, table.table).columns.get("select", frozenset())
    key = table.table.primary_key or tuple(sorted(columns))
    if not table.protected or rows is None or VICTIM not in rows.rows or not key or not set(key) <= columns:
        return None
    if rows.rows[VICTIM] in [rows.rows.get(BYSTANDER), rows.rows.get(ATTACKER)]:
        return None
    return f"select 1 from {table.table.sql} where {identify(table.table, rows.rows[VICTIM], key)}"

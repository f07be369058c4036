"""POL-07, POL-08: rows made to be taken for the attacker's own, where a policy compares less than the whole key.

The table attacks meet rows as they happen to be. Here the victim's row is chosen by what a policy may confuse: a key
that resembles the attacker's, or the attacker's values in every other column the policies ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.confusions import Case, CaseMaker
from dbkit.leak.directory import is_directory
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.lookalikes import stranger
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import AS_ORIGIN, AS_REPLICA, as_replica
from dbkit.leak.rows import (
    ATTACKER,
    VICTIM,
    TableRows,
    Values,
    delete_statements,
    identify,
    insert_statement,
)
from dbkit.leak.statements import build_variants, identity_columns, select_list
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import Kind, TableModel
from dbkit.tenancy.relations import Privileges, Table, literal

__all__ = ["attackable", "blind_update", "check_policies", "counted", "own_row"]


def check_policies(subject: Subject) -> Iterator[Finding]:
    """Attack every table whose column says whose row it is with the victims most easily confused."""
    seen: set[tuple[str, str | None]] = set()
    for caller in callers(subject.model):
        for table in caller.scope.tables.values():
            rows = subject.population.tables.get(table.table.qualified)
            if not attackable(table, rows) or rows is None or is_directory(subject.model, caller.role, table):
                continue
            if not subject.attacks(table.table.qualified):
                continue
            attack = _Confusion(subject, caller, table, rows)
            for finding in attack.confused():
                if (finding.rule, finding.object) not in seen:
                    seen.add((finding.rule, finding.object))
                    yield finding


def attackable(table: TableModel, rows: TableRows | None) -> bool:
    """Policies are asked only where there are some; without row security every row is open, which is said elsewhere."""
    return (
        table.kind in (Kind.TENANT, Kind.USER)
        and table.column is not None
        and table.table.rls
        and bool(table.table.policies)
        and not table.table.is_partition
        and rows is not None
        and rows.reason is None
        and {ATTACKER, VICTIM} <= set(rows.rows)
    )


class _Confusion:
    """One caller against one table."""

    def __init__(self, subject: Subject, caller: Caller, table: TableModel, rows: TableRows) -> None:
        self.subject = subject
        self.model = subject.model
        self.caller = caller
        self.table: Table = table.table
        self.table_model = table
        self.rows = rows
        self.column = self.table.columns[table.column or ""]
        self.privileges = caller.privileges(subject.model, self.table)
        self.population = subject.population

    # Victims that resemble the attacker

    def confused(self) -> Iterator[Finding]:
        maker = CaseMaker(self.model, self.population, self.caller, self.table_model)
        cases, identities = maker.cases(), self.population.identities
        if not cases or not self.privileges.reachable:
            return
        population = replace(
            self.population, identities={**identities, **maker.wildcard_identities(identities[ATTACKER])}
        )
        with Exchange(self.subject.session, self.model, population, self.caller) as exchange:
            if self._plain_leaks(exchange):
                return
            blind = self._blind(exchange)
            reported: set[str] = set()
            for case in cases:
                if case.rule in reported:
                    continue
                with exchange.trial():
                    finding = self._try(exchange, case, blind)
                if finding is not None:
                    reported |= {case.rule} if finding.verdict == LEAK else set()
                    yield finding

    def _plain_leaks(self, exchange: Exchange) -> bool:
        """Whether rows of any other key are open too, which the table attacks say, or none can be made."""
        stored, theirs = self.rows.rows[VICTIM], self.rows.spares.get(VICTIM)
        key = self.rows.rows[ATTACKER][self.column.name]
        if stored[self.column.name] is None or theirs is None or key is None:
            return True
        other = stranger(key, self.column.base)
        blind = self._blind(exchange)
        for case in (
            Case("", stored[self.column.name] or "", theirs, "", ""),
            Case("", other, {**theirs, self.column.name: other}, "", ""),
        ):
            with exchange.trial():
                if self._try(exchange, case, blind) is not None:
                    return True
        with exchange.trial():
            seen = exchange.act(ATTACKER, f"select 1 from {self.table.sql} where {identify(self.table, stored)}")
        return bool(seen.rows)

    def _blind(self, exchange: Exchange) -> list[tuple[str, int]]:
        """Writes without WHERE, which no SELECT policy guards, each with how many rows it changes as things are."""
        update = blind_update(exchange, self.table_model, self.rows, self.privileges)
        delete = None
        if self.privileges.may("delete"):
            with exchange.trial():
                exchange.admin(AS_REPLICA)  # children of own rows are no answer of the policies
                delete = counted(exchange, f"delete from {self.table.sql}")
        return [each for each in (update, delete) if each is not None]

    def _try(self, exchange: Exchange, case: Case, blind: list[tuple[str, int]]) -> Finding | None:
        if not self._is_tenant(exchange, case):
            return None
        columns = identity_columns(self.table, self.privileges) or self.table.primary_key
        for attempt in (self._inserted, self._moved):
            with exchange.trial():
                witness = attempt(exchange, case)
                if witness:
                    return self._finding(exchange, case, witness)
        if not columns:
            return None
        returning = f" returning {select_list(self.table, columns)}"
        exchange.admin(AS_REPLICA)
        stored = exchange.admin(insert_statement(self.table, case.values) + returning)
        exchange.admin(AS_ORIGIN)
        if stored.refused or not stored.rows:
            return None
        row = dict(zip(columns, stored.rows[0], strict=True))
        where = identify(self.table, row, columns)
        query = f"select {select_list(self.table, columns)} from {self.table.sql} where {where}"
        if self.privileges.may("select"):
            seen = exchange.act(case.reader, query)
            if seen.rows:
                return self._finding(exchange, case, f"a row of the other tenant is read: {row}")
        for statement, usual in blind if case.reader == ATTACKER else ():
            with exchange.trial():
                if statement.startswith("delete"):
                    exchange.admin(AS_REPLICA)
                changed = exchange.act(ATTACKER, statement)
                if not changed.refused and (changed.affected or 0) > usual:
                    return self._finding(exchange, case, f"{changed.affected} rows changed, {usual} are the caller's")
        return None

    def _is_tenant(self, exchange: Exchange, case: Case) -> bool:
        """Whether a tenant can have this key beside the attacker: the registry takes it as a key of its own."""
        key = self.rows.rows[ATTACKER][self.column.name]
        if case.reader != ATTACKER:
            key, other = exchange.identity(case.reader).tenant, exchange.identity(case.reader).tenant
        else:
            other = case.key
        stored = self.rows.rows[VICTIM][self.column.name]
        if self.table_model.kind is not Kind.TENANT or self.model.registry is None:
            same = exchange.admin(
                f"select {literal(key)}::{self.column.type} = {literal(case.key)}::{self.column.type}"
            )
            return other == stored or (bool(same.rows) and same.rows[0][0] == "f")
        if other == stored:
            return True
        name, column = self.model.registry
        registry, rows = self.model.relations.tables[name], self.population.tables.get(name)
        if rows is None or VICTIM not in rows.rows:
            return False
        if registry.qualified == self.table.qualified:
            return True  # the attack itself puts the row there
        theirs = rows.rows[VICTIM]
        given = {
            column_name: v for column_name, v in theirs.items() if not registry.columns[column_name].filled_by_server
        }
        made = exchange.admin(
            *delete_statements(registry, [theirs]), *as_replica(insert_statement(registry, {**given, column: other}))
        )
        return not made.refused

    def _inserted(self, exchange: Exchange, case: Case) -> str:
        """What the attacker stored for the made-up victim by a plain INSERT; empty when it was refused."""
        if not self.privileges.may("insert"):
            return ""
        granted = self.privileges.columns.get("insert", frozenset())
        values = {name: value for name, value in case.values.items() if name in granted}
        if self.column.name not in values:
            return ""
        outcome = exchange.act(case.reader, insert_statement(self.table, values))
        if outcome.refused or not outcome.affected:
            return ""
        where = f"{self.column.sql} = {literal(case.key)} and not {self.column.sql}::text = {literal(self._own_key())}"
        stored = exchange.admin(f"select count(*) from {self.table.sql} where {where}")
        before = sum(row[self.column.name] == case.key for row in self._distinct_rows())
        if not stored.rows or int(stored.rows[0][0] or 0) <= before:
            return ""
        return f"a row was stored for the tenant {case.key}"

    def _moved(self, exchange: Exchange, case: Case) -> str:
        """Whether the attacker's rows can be made the victim's by an UPDATE that gives a check what it asks."""
        values = {**case.asked, self.column.name: case.key}
        if not case.asked or not set(values) <= self.privileges.columns.get("update", frozenset()):
            return ""
        changes = ", ".join(f"{self.table.columns[name].sql} = {literal(value)}" for name, value in values.items())
        outcome = exchange.act(ATTACKER, f"update {self.table.sql} set {changes}")
        if outcome.refused or not outcome.affected:
            return ""
        return f"{outcome.affected} rows moved to the tenant {case.key}"

    def _distinct_rows(self) -> list[Values]:
        return list({id(row): row for row in self.rows.rows.values()}.values())

    def _own_key(self) -> str:
        return self.rows.rows[ATTACKER][self.column.name] or ""

    def _finding(self, exchange: Exchange, case: Case, witness: str) -> Finding:
        own = own_row(exchange, self.table, self.rows)
        if case.category == "POL-02":
            what = "ask nothing of the tenant"
        else:
            what = "compare " + ("a part of the key" if case.category == "POL-07" else "a column that tenants share")
        return Finding(
            rule=case.rule,
            message=f"policies on {self.table.qualified} {what}: {self.caller.role.name} reaches a row of another "
            f"tenant with {case.how}",
            severity=Severity.NOTE if case.decided else Severity.ERROR,
            category=case.category,
            verdict=None if case.decided else LEAK,
            object=self.table.qualified,
            detail=("Its own columns say that it is for everybody. " if case.decided else "") + NEEDS_PARAMETERS,
            hint=f"Let every policy demand {self.column.sql} = the context's tenant, both of type {self.column.type}, "
            "and put what else it asks in brackets behind AND.",
            evidence=Evidence(exchange.sql, witness, own),
        )


def blind_update(
    exchange: Exchange, table: TableModel, rows: TableRows, privileges: Privileges
) -> tuple[str, int] | None:
    """An UPDATE without WHERE and how many rows it changes as things are; None where the role may not."""
    if not privileges.may("update"):
        return None
    for variant in build_variants(table, rows, privileges):
        if variant.command == "UPDATE" and variant.judge == "blind":
            return counted(exchange, variant.attack)
    return None


def counted(exchange: Exchange, statement: str) -> tuple[str, int] | None:
    """A statement of the attacker and how many rows it affects, taken back; None where it is refused."""
    with exchange.trial():
        outcome = exchange.act(ATTACKER, statement)
    return None if outcome.refused else (statement, outcome.affected or 0)


def own_row(exchange: Exchange, table: Table, rows: TableRows) -> str:
    """The control: what the attacker gets when it asks for its own row."""
    with exchange.trial():
        query = f"select 1 from {table.sql} where {identify(table, rows.rows[ATTACKER])}"
        return f"its own row, by key: {exchange.act(ATTACKER, query)}"

"""CTX-01: rows whose tenant column is empty: what one tenant can put there for all, or change for all.

A policy that says `tenant_id is null or …` means templates that everybody reads. The same words in WITH CHECK, or in
USING of a policy for all commands, let every tenant write them.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.policies import attackable, blind_update, counted, own_row
from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import AS_ORIGIN, AS_REPLICA
from dbkit.leak.rows import ATTACKER, VICTIM, TableRows, identify, insert_statement
from dbkit.leak.session import Outcome
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import Kind, TableModel

__all__ = ["check_ownerless"]


def check_ownerless(subject: Subject) -> Iterator[Finding]:
    """Try rows of no tenant in every table that can hold them."""
    seen: set[str] = set()
    for caller in callers(subject.model):
        for name, table in caller.scope.tables.items():
            rows = subject.population.tables.get(name)
            if name in seen or rows is None or not attackable(table, rows):
                continue
            if not table.table.columns[table.column or ""].nullable:
                continue
            attack = _Ownerless(subject, caller, table, rows)
            with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
                finding = attack.run(exchange)
            if finding is not None:
                seen.add(name)
                yield finding


class _Ownerless:
    """One caller against one table."""

    def __init__(self, subject: Subject, caller: Caller, table: TableModel, rows: TableRows) -> None:
        self.caller = caller
        self.table = table.table
        self.table_model = table
        self.rows = rows
        self.column = self.table.columns[table.column or ""]
        self.privileges = caller.privileges(subject.model, self.table)
        registries = (subject.model.registry, subject.model.users)
        self.registries = {registry[0] for registry in registries if registry}

    def run(self, exchange: Exchange) -> Finding | None:
        for attempt in (self._planted, self._emptied, self._changed, self._hanging):
            with exchange.trial():
                found = attempt(exchange)
                if found is not None:
                    return found
        return None

    def _planted(self, exchange: Exchange) -> Finding | None:
        values, granted = self.rows.spares.get(ATTACKER), self.privileges.columns.get("insert", frozenset())
        if values is None or self.column.name not in granted:
            return None
        given = {name: value for name, value in values.items() if name in granted}
        before = self._read_by_victim(exchange)
        if exchange.act(ATTACKER, insert_statement(self.table, {**given, self.column.name: None})).refused:
            return None
        return self._shown_to_victim(exchange, before, "puts rows of no tenant there, which every tenant reads")

    def _emptied(self, exchange: Exchange) -> Finding | None:
        if self.column.name not in self.privileges.columns.get("update", frozenset()):
            return None
        before = self._read_by_victim(exchange)
        mine = identify(self.table, self.rows.rows[ATTACKER])
        outcome = exchange.act(ATTACKER, f"update {self.table.sql} set {self.column.sql} = null where {mine}")
        if outcome.refused or not outcome.affected:
            return None
        return self._shown_to_victim(exchange, before, "empties the tenant of its row, and every tenant reads it")

    def _read_by_victim(self, exchange: Exchange) -> Outcome:
        return exchange.act(VICTIM, f"select count(*) from {self.table.sql}")

    def _shown_to_victim(self, exchange: Exchange, before: Outcome, what: str) -> Finding | None:
        after = self._read_by_victim(exchange)
        if before.refused or after.refused or int(after.rows[0][0] or 0) <= int(before.rows[0][0] or 0):
            return None
        return self._ownerless(exchange, what, f"the victim reads {after.rows[0][0]} rows, before {before.rows[0][0]}")

    def _changed(self, exchange: Exchange) -> Finding | None:
        values = self.rows.spares.get(VICTIM)
        if values is None or not (self.privileges.may("update") or self.privileges.may("delete")):
            return None
        blind = blind_update(exchange, self.table_model, self.rows, self.privileges)
        blind = blind or counted(exchange, f"delete from {self.table.sql}")
        if blind is None:
            return None
        exchange.admin(AS_REPLICA)
        stored = exchange.admin(insert_statement(self.table, {**values, self.column.name: None}))
        exchange.admin(AS_ORIGIN)
        if stored.refused:
            return None
        statement, usual = blind
        outcome = exchange.act(ATTACKER, statement)
        if outcome.refused or (outcome.affected or 0) <= usual:
            return None
        return self._ownerless(
            exchange, "changes rows of no tenant, which all share", f"{outcome.affected} rows, {usual} are its own"
        )

    def _hanging(self, exchange: Exchange) -> Finding | None:
        """A row that some job wrote without the tenant, about a row that is the victim's: no template is about one."""
        values, columns = self.rows.spares.get(VICTIM), self._about_tenants()
        if values is None or not columns or not self.privileges.may("select"):
            return None
        query = f"select count(*) from {self.table.sql}"
        before = exchange.act(ATTACKER, query)
        exchange.admin(AS_REPLICA)
        stored = exchange.admin(insert_statement(self.table, {**values, self.column.name: None}))
        exchange.admin(AS_ORIGIN)
        after = exchange.act(ATTACKER, query)
        if stored.refused or before.refused or after.refused:
            return None
        if int(after.rows[0][0] or 0) <= int(before.rows[0][0] or 0):
            return None
        what = f"reads rows of no tenant that are about another tenant's ({', '.join(columns)})"
        shown = f"the attacker reads {after.rows[0][0]}, before {before.rows[0][0]}"
        return self._ownerless(exchange, what, shown, admits="everybody, whatever they are about")

    def _about_tenants(self) -> list[str]:
        """Columns that name a row which always has a tenant, by a foreign key or by their name."""
        found = []
        for name, target in self.caller.scope.tables.items():
            if target.column is None or target.table is self.table or target.table.columns[target.column].nullable:
                continue
            if target.kind is not Kind.TENANT or not target.table.primary_key or name in self.registries:
                continue
            for key in self.table.foreign_keys:
                if key.target == name:
                    found += [column for column in key.columns if column != self.column.name]
            last = target.table.columns[target.table.primary_key[-1]]
            for column in self.table.columns.values():
                stem = column.name.removesuffix("_id")
                named = stem != column.name and target.table.name in (stem, f"{stem}s", f"{stem}es")
                if named and column.base == last.base and column is not self.column:
                    found.append(column.name)
        return list(dict.fromkeys(found))

    def _ownerless(self, exchange: Exchange, what: str, witness: str, *, admits: str = "more than reading") -> Finding:
        return Finding(
            rule="rows_of_no_tenant",
            message=f"{self.caller.role.name} {what}: {self.table.qualified}",
            category="CTX-01",
            verdict=LEAK,
            object=self.table.qualified,
            detail=f"A policy admits rows whose {self.column.name} is NULL to {admits}. {NEEDS_PARAMETERS}",
            hint=f"Let WITH CHECK, and USING of UPDATE and DELETE, demand {self.column.sql} = the context's tenant. "
            f"Where no row is shared: alter table {self.table.sql} alter column {self.column.sql} set not null;",
            evidence=Evidence(exchange.sql, witness, own_row(exchange, self.table, self.rows)),
        )

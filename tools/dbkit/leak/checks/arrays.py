"""FLOW-05: rows that name their tenants in an array, in tables that no policy guards by it."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.arrays import tenant_arrays
from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM, Values, insert_statement
from dbkit.leak.session import Outcome
from dbkit.leak.synthesis import invent_row
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import TableModel
from dbkit.tenancy.relations import literal

__all__ = ["check_arrays"]


def check_arrays(subject: Subject) -> Iterator[Finding]:
    """A row for the victim alone and one for the attacker alone; the attacker asks for both."""
    seen: set[tuple[str, str]] = set()
    for caller in callers(subject.model):
        for table in caller.scope.tables.values():
            if table.protected or table.reason.startswith("declared") or table.table.kind not in ("r", "p"):
                continue
            columns = tenant_arrays(subject.model, table.table)
            if not columns or not caller.privileges(subject.model, table.table).may("select"):
                continue
            finding = _attack(subject, caller, table, columns[0])
            if finding is not None and finding.identity[:2] not in seen:
                seen.add(finding.identity[:2])
                yield finding


def _attack(subject: Subject, caller: Caller, table: TableModel, column: str) -> Finding | None:
    catalog, rows = table.table, []
    for slot in (VICTIM, ATTACKER):
        row = invent_row(subject.session, subject.model, subject.population, catalog, slot)
        if isinstance(row, Outcome):
            return None
        rows.append(row)
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        for row in rows:
            if exchange.admin(insert_statement(catalog, row)).refused:
                return None
        own = exchange.act(ATTACKER, _query(catalog.sql, catalog.columns[column].sql, column, rows[1]))
        theirs = exchange.act(ATTACKER, _query(catalog.sql, catalog.columns[column].sql, column, rows[0]))
        if not own.rows or not theirs.rows:
            return None
        return Finding(
            rule="array_of_tenants_not_asked",
            message=f"{catalog.qualified} names its tenants in {column}, and {caller.role.name} reads every row",
            category="FLOW-05",
            verdict=LEAK,
            object=catalog.qualified,
            detail=f"No policy asks whether the caller's tenant is in the array. {NEEDS_PARAMETERS}",
            hint=f"Enable row security on {catalog.qualified} with a policy that asks whether {column} holds the "
            f'context\'s tenant, or declare it: shared = ["{catalog.qualified}"].',
            evidence=Evidence(exchange.sql, "a row of the other tenant is read", f"a row of its own: {own}"),
        )


def _query(table: str, array: str, column: str, row: Values) -> str:
    return f"select 1 from {table} where {array} = {literal(row[column])}"

"""OBJ-07: large objects, for which there are no policies: whoever may read one reads it for every tenant."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, NEEDS_SQL, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import Kind

__all__ = ["check_large_objects"]

_NUMBERS = "select oid from pg_largeobject_metadata order by oid limit 200"
_CONTENT = "convert_from(lo_get({oid}), 'UTF8')"


def check_large_objects(subject: Subject) -> Iterator[Finding]:
    shared = _stored(subject, shared=True)
    pointing = _stored(subject, shared=False)
    numbers = [row[0] for row in subject.session.must(_NUMBERS).rows if row[0] not in shared[1]]
    for caller in callers(subject.model):
        if numbers:
            yield from _check_existing(subject, caller, [str(number) for number in numbers], pointing[0])
        if pointing[0]:
            yield from _check_new(subject, caller, pointing[0])


def _stored(subject: Subject, *, shared: bool) -> tuple[list[str], set[str | None]]:
    """Columns that hold large objects' numbers, of shared or of protected tables, and the numbers in shared ones."""
    columns, numbers = [], set()
    for name, table in subject.model.scopes[0].tables.items():
        wanted = table.kind is Kind.SHARED if shared else table.protected
        for column in table.table.columns.values() if wanted else ():
            if column.base == "oid":
                columns.append(f"{name}.{column.name}")
                if shared:
                    numbers |= {
                        row[0] for row in subject.session.must(f"select {column.sql} from {table.table.sql}").rows
                    }
    return columns, numbers


def _check_existing(subject: Subject, caller: Caller, numbers: list[str], columns: list[str]) -> Iterator[Finding]:
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        for number in numbers:
            with exchange.trial():
                outcome = exchange.act(ATTACKER, f"select {_CONTENT.format(oid=number)}")
                sql = exchange.sql
            if outcome.refused:
                continue
            yield Finding(
                rule="large_object_readable",
                message=f"large object {number} is read by {caller.role.name} in any tenant's context",
                severity=Severity.ERROR if columns else Severity.WARNING,
                category="OBJ-07",
                verdict=LEAK if columns else None,
                object=f"large object {number}",
                detail=f"Policies guard the row that holds its number ({', '.join(columns) or 'no protected table'}), "
                f"not the object; numbers are given in sequence. {NEEDS_SQL}",
                hint="Let a role that no request runs as own large objects, revoke select on them, and hand them out "
                "in a function that reads the row first; or store the bytes in a bytea column.",
                evidence=Evidence(sql, f"its content: {outcome.rows[0][0]}", "no context was compared with anything"),
            )
            return


def _check_new(subject: Subject, caller: Caller, columns: list[str]) -> Iterator[Finding]:
    """What the victim stores now, under the login that all tenants share."""
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        made = exchange.act(VICTIM, "select lo_from_bytea(0, 'content of the victim')")
        if made.refused:
            return
        outcome = exchange.act(ATTACKER, f"select {_CONTENT.format(oid=made.rows[0][0])}")
        if not outcome.refused:
            yield Finding(
                rule="large_object_of_shared_owner",
                message=f"large objects that {caller.role.name} makes belong to it, so every tenant reads them",
                severity=Severity.WARNING,
                category="OBJ-07",
                object=columns[0],
                detail=f"{', '.join(columns)} hold numbers of large objects. {NEEDS_PARAMETERS}",
                hint="Make them in a SECURITY DEFINER function, or store the bytes in a bytea column.",
                evidence=Evidence(exchange.sql, f"the attacker reads: {outcome.rows[0][0]}", "the victim made it"),
            )

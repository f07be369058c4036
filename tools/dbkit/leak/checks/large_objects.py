"""OBJ-07: large objects, for which there are no policies: whoever may read one reads it for every tenant.

Functions with their owner's rights that hand them out are asked for the victim's.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, NEEDS_SQL, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, VICTIM, identify
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import Kind
from dbkit.tenancy.relations import literal

__all__ = ["check_large_objects"]

_NUMBERS = "select oid from pg_largeobject_metadata order by oid limit 200"
_CONTENT = "convert_from(lo_get({oid}), 'UTF8')"
_SECRET = "content of the victim"
# Functions with their owner's rights that are given a number, and nothing else.
_SERVING = """
select format('%I.%I', n.nspname, p.proname), n.nspname || '.' || p.proname
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prosecdef and p.prokind = 'f' and p.proargtypes[0] = 'oid'::regtype and p.pronargs - p.pronargdefaults <= 1
  and n.nspname not in ('pg_catalog', 'information_schema')
  and has_schema_privilege({role}, n.oid, 'usage') and has_function_privilege({role}, p.oid, 'execute')
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by 1
"""


def check_large_objects(subject: Subject) -> Iterator[Finding]:
    shared = _stored(subject, shared=True)
    pointing = _stored(subject, shared=False)
    numbers = [row[0] for row in subject.session.must(_NUMBERS).rows if row[0] not in shared[1]]
    for caller in callers(subject.model):
        if numbers:
            yield from _check_existing(subject, caller, [str(number) for number in numbers], pointing[0])
        if pointing[0]:
            yield from _check_new(subject, caller, pointing[0])
            yield from _check_served(subject, caller, pointing[0])


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
        made = exchange.act(VICTIM, f"select lo_from_bytea(0, '{_SECRET}')")
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


def _check_served(subject: Subject, caller: Caller, columns: list[str]) -> Iterator[Finding]:
    """Functions that hand objects out by their number: asked for the one whose number the victim's row holds."""
    serving = subject.session.must(_SERVING.format(role=literal(caller.role.name))).rows
    for column, (function, name) in product(columns, serving):
        with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
            number = _given_to_victim(subject, exchange, column)
            if number is None:
                continue
            query = f"select {function}({number})"
            outcome = exchange.act(ATTACKER, query)
            text = "".join(cell for row in outcome.rows for cell in row if cell)
            if _SECRET not in text and _SECRET.encode().hex() not in text:
                continue
            yield Finding(
                rule="large_object_served",
                message=f"{name} hands {caller.role.name} the large objects of other tenants",
                category="OBJ-07",
                verdict=LEAK,
                object=name,
                detail=f"It never asks whether a row of the caller's holds the number ({column}). {NEEDS_PARAMETERS}",
                hint=f"Let it read the number out of {column.rpartition('.')[0]}, by the context's tenant.",
                evidence=Evidence(exchange.sql, f"the victim's content: {text}", f"the number stands in {column} only"),
            )


def _given_to_victim(subject: Subject, exchange: Exchange, column: str) -> str | None:
    """The number of a new object that the victim's row holds; None where its row takes none."""
    name, _, held = column.rpartition(".")
    table, rows = subject.model.relations.tables[name], subject.population.tables.get(name)
    if rows is None or VICTIM not in rows.rows:
        return None
    number = exchange.admin(f"select lo_from_bytea(0, '{_SECRET}')").rows[0][0]
    where = identify(table, rows.rows[VICTIM])
    update = f"update {table.sql} set {table.columns[held].sql} = {number} where {where}"
    return None if exchange.admin(*as_replica(update)).refused else number

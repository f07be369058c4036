"""FLOW-05: tables that belong to nobody, and what jobs tell in them nevertheless.

A job of the operator's leaves what it found in a log that every tenant reads. The log has no tenant column, so no
policy is missed there: the job has to be run, and what it wrote looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.observation import distinctive_values, news, readable, reads, shown_value
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.leak.session import Outcome
from dbkit.leak.shapes import assigned, shapes
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import Kind
from dbkit.tenancy.relations import Table

__all__ = ["check_reports"]

# What an operator or a timer runs, or a request: it takes no value that says whose work it is.
_JOBS = """
select n.nspname || '.' || p.proname, case p.prokind when 'p' then 'call ' else 'select ' end || format(
    '%I.%I()', n.nspname, p.proname), p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_type t on t.oid = p.prorettype
where n.nspname not in ('pg_catalog', 'information_schema') and p.prokind in ('f', 'p')
  and p.pronargs = p.pronargdefaults and t.typname not in ('trigger', 'event_trigger')
  and p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '') ~* '\\minsert\\s+into\\M|\\mupdate\\M|\\mmerge\\M'
  and p.prosrc !~* '\\m(commit|rollback|pg_sleep)\\M'
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by 1
"""
_TIMEOUT = "set local statement_timeout = '5s'"


def check_reports(subject: Subject) -> Iterator[Finding]:
    jobs = [(row[0] or "", row[1] or "", row[2] or "") for row in subject.session.must(_JOBS).rows]
    for caller in callers(subject.model):
        yield from _check_jobs(subject, caller, jobs)


def _nobodys(subject: Subject, caller: Caller) -> list[Table]:
    """Tables that the role may read and in which no column says whose a row is."""
    kinds = (Kind.UNKNOWN, Kind.SHARED)
    tables = [table.table for table in caller.scope.tables.values() if table.kind in kinds and not table.owned]
    return [table for table in tables if caller.privileges(subject.model, table).may("select")]


def _check_jobs(subject: Subject, caller: Caller, jobs: list[tuple[str, str, str]]) -> Iterator[Finding]:
    tables = _nobodys(subject, caller)
    values = distinctive_values(subject.model, subject.population)
    foreign = [value for value, slots in values.items() if VICTIM in slots]
    for name, statement, body in jobs:
        written = [table for table in tables if _named(table, body)]
        sources = (
            [t.table for t in caller.scope.tables.values() if t.owned and _named(t.table, body)] if written else []
        )
        prepared = ["select 1"]
        prepared += [f"update {t.sql} set {assigned(t, shape)}" for t in sources for shape in shapes(body, t)]
        # A report for one tenant asks for its context, so the victim runs it where it may.
        for prepare, by_victim in product(prepared, (False, True)) if sources else ():
            finding = _told(subject, caller, (name, statement), written, prepare, foreign, by_victim=by_victim)
            if finding is not None:
                yield finding
                break


def _named(table: Table, body: str) -> bool:
    return re.search(rf"\b{re.escape(table.name)}\b", body) is not None


def _told(
    subject: Subject,
    caller: Caller,
    job: tuple[str, str],
    written: list[Table],
    prepare: str,
    foreign: list[str],
    *,
    by_victim: bool,
) -> Finding | None:
    """What the job, run over rows that it looks for, leaves for the attacker to read."""
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        watched = readable(exchange, subject.model, written)
        before = reads(exchange, subject.model, ATTACKER, watched)
        if by_victim:
            exchange.admin(_TIMEOUT, *as_replica(prepare))
        run = exchange.act(VICTIM, job[1]) if by_victim else exchange.admin(_TIMEOUT, *as_replica(prepare), job[1])
        if run.refused:
            return None
        shown = news(before, reads(exchange, subject.model, ATTACKER, watched))
        value = shown_value(Outcome(rows=(shown[1],)), foreign) if shown else None
        if shown is None or value is None:
            return None
        query = f"select * from {subject.model.relations.tables[shown[0]].sql}"
        exchange.act(ATTACKER, query)
        evidence = Evidence(
            exchange.sql,
            f"a new row with {value!r} of the victim's",
            f"{query}; -- before the job {before[shown[0]].total()} rows",
        )
    return Finding(
        rule="job_tells_in_open_table",
        message=f"{job[0]} writes what it finds in {'its' if by_victim else 'every'} tenant to {shown[0]}, "
        f"which {caller.role.name} reads",
        category="FLOW-05",
        verdict=LEAK,
        object=shown[0],
        detail=f"The table has no tenant column. {NEEDS_PARAMETERS}",
        hint=f"Run: revoke select on {shown[0]} from {caller.role.name}; or let the job write counts only.",
        evidence=evidence,
    )

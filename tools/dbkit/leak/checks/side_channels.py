"""SIDE-01, SIDE-02, SIDE-03, SIDE-07: what tells of other tenants beside their rows.

A counter that all tenants share is shown to move; statistics of the whole server are shown to hold another session's
statement. What no grant can close (planner estimates, one login for everybody) is a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, NEEDS_SQL, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.observation import distinctive_values, shown_value
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM, insert_statement
from dbkit.leak.session import Session
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.relations import literal

__all__ = ["check_side_channels"]

# Sequences that fill a column of a table, by ownership or by the column's default.
_SEQUENCES = """
select distinct s.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(s.relname), s.relname,
    tn.nspname || '.' || t.relname
from pg_class s
join pg_namespace n on n.oid = s.relnamespace
join lateral (
    select d.refobjid as relation from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = s.oid and d.refclassid = 'pg_class'::regclass
      and d.deptype in ('a', 'i')
    union
    select ad.adrelid from pg_depend d join pg_attrdef ad on ad.oid = d.objid
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = s.oid
) filled on true
join pg_class t on t.oid = filled.relation
join pg_namespace tn on tn.oid = t.relnamespace
where s.relkind = 'S' order by 2
"""
_HELD = """
select has_schema_privilege({role}, relnamespace, 'usage') and has_sequence_privilege({role}, oid, 'select'),
    has_schema_privilege({role}, relnamespace, 'usage') and has_sequence_privilege({role}, oid, 'update')
from pg_class where oid = {oid}
"""
_SILENT = """
select exists (select from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole
               where (r.rolname = {role} or s.setrole = 0) and 'track_activities=off' = any (s.setconfig))
"""
_LOCKING = """
select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname not in ('pg_catalog', 'information_schema') and p.prosrc ~* 'pg_(try_)?advisory_'
  and has_function_privilege({role}, p.oid, 'execute') and has_schema_privilege({role}, n.oid, 'usage')
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by 1
"""
_STATISTICS = ("pg_read_all_stats", "pg_monitor")
_MARK = "select 'a statement of another session of the leak proof'"
_REST = _MARK[30:-1] + "%"
_GRANTED = "select has_any_column_privilege({role}, '{catalog}', 'select')"
_SAMPLES = {
    "pg_catalog.pg_statistic": "select concat_ws(' ', stavalues1::text, stavalues2::text, stavalues3::text) "
    "from pg_catalog.pg_statistic where starelid = {table}::regclass",
    "pg_catalog.pg_statistic_ext_data": "select d::text from pg_catalog.pg_statistic_ext_data d "
    "join pg_catalog.pg_statistic_ext s on s.oid = d.stxoid where s.stxrelid = {table}::regclass",
}
# What runs with its owner's rights: definer functions that can be called without a value, and plain views.
_REPORTS = """
select n.nspname || '.' || p.proname, format('%I.%I(%s)', n.nspname, p.proname, (
    select string_agg('null::' || format_type(t.oid, null), ', ' order by t.number)
    from unnest(p.proargtypes) with ordinality t (oid, number)))
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prosecdef and p.prokind = 'f' and n.nspname not in ('pg_catalog', 'information_schema')
  and p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '') ~* 'pg_stat_(get_)?activity'
  and has_function_privilege({role}, p.oid, 'execute') and has_schema_privilege({role}, n.oid, 'usage')
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
union all
select n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and n.nspname not in ('pg_catalog', 'information_schema')
  and pg_get_viewdef(c.oid) ~* 'pg_stat_(get_)?activity'
  and has_table_privilege({role}, c.oid, 'select') and has_schema_privilege({role}, n.oid, 'usage')
  and not exists (select from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 1
"""


def check_side_channels(subject: Subject) -> Iterator[Finding]:
    seen: set[str] = set()
    for caller in callers(subject.model):
        yield from _check_sequences(subject, caller)
        if caller.role.name in seen:
            continue
        seen.add(caller.role.name)
        yield from _check_statistics(subject, caller)
        yield from _check_activity(subject, caller)
        yield from _check_activity_reports(subject, caller)
        yield from _check_locks(subject, caller)
    if seen:
        yield _estimates(seen)


# Sequences


def _check_sequences(subject: Subject, caller: Caller) -> Iterator[Finding]:
    for oid, sequence, _, name in subject.session.must(_SEQUENCES).rows:
        table = caller.scope.tables.get(name or "")
        rows = subject.population.tables.get(name or "")
        if table is None or not table.protected or rows is None or VICTIM not in rows.spares:
            continue
        role = literal(caller.role.name)
        readable, settable = subject.session.must(_HELD.format(role=role, oid=oid)).rows[0]
        if "t" not in (readable, settable):
            continue
        # Without SELECT, UPDATE tells as much: the value that setval reports back is nextval's.
        look = f"select last_value from {sequence}" if readable == "t" else f"select nextval('{sequence}')"
        insert = insert_statement(table.table, rows.spares[VICTIM])
        with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
            before = exchange.act(ATTACKER, look)
            if exchange.act(VICTIM, insert).refused and exchange.admin(insert).refused:
                continue
            after = exchange.act(ATTACKER, look)
            if before.refused or after.refused or before.rows == after.rows:
                continue
            yield Finding(
                rule="sequence_tells_volume",
                message=f"{sequence} is an oracle: {caller.role.name} reads in it how many rows all tenants add to "
                f"{name}",
                category="SIDE-01",
                verdict=LEAK,
                object=sequence,
                detail=f"No row is read, but another tenant's insert moves the counter. {NEEDS_SQL}",
                hint=f"Run: revoke select, update on sequence {sequence} from {caller.role.sql}; usage is enough for "
                "nextval. Own ids still tell the volume; uuids or a counter for each tenant do not.",
                evidence=Evidence(
                    exchange.sql,
                    f"{before.rows[0][0]} before another tenant's insert, {after.rows[0][0]} after it",
                    f"{look}; -- twice without an insert between gives {before.rows[0][0]} again",
                ),
            )


# Statistics of columns


def _check_statistics(subject: Subject, caller: Caller) -> Iterator[Finding]:
    """Sample values that ANALYZE keeps of every column, where the catalog itself was granted."""
    values = distinctive_values(subject.model, subject.population, protected=True)
    foreign = [value for value, slots in values.items() if VICTIM in slots]
    tables = [table.table for table in caller.scope.tables.values() if table.protected and table.table.kind == "r"]
    # Membership in pg_read_all_data is weighed by the checks of roles; this is a consequence of it.
    through_group = "pg_read_all_data" in caller.role.may_become
    for catalog, look in _SAMPLES.items():
        if subject.session.must(_GRANTED.format(role=literal(caller.role.name), catalog=catalog)).rows[0][0] != "t":
            continue
        for table in tables:
            query = look.format(table=literal(table.sql))
            with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
                before = exchange.act(ATTACKER, query)
                if exchange.admin(f"analyze {table.sql}").refused:
                    continue
                outcome = exchange.act(ATTACKER, query)
                value = shown_value(outcome, foreign)
                if outcome.refused or value is None:
                    continue
                yield Finding(
                    rule="statistics_granted",
                    message=f"{caller.role.name} may read {catalog}, which samples the rows of every tenant",
                    severity=Severity.WARNING if through_group else Severity.ERROR,
                    category="SIDE-02",
                    verdict=None if through_group else LEAK,
                    object=catalog,
                    detail=f"The view pg_stats leaves out what policies hide; its table does not. {NEEDS_SQL}",
                    hint=f"Run: revoke select on {catalog} from {caller.role.sql};",
                    evidence=Evidence(
                        exchange.sql, f"a value of the other tenant: {value}", f"before ANALYZE: {before}"
                    ),
                )
                break


# Other sessions


def _check_activity_reports(subject: Subject, caller: Caller) -> Iterator[Finding]:
    """Functions and views that hand on pg_stat_activity with the rights of somebody who sees every session."""
    for name, source in subject.session.must(_REPORTS.format(role=literal(caller.role.name))).rows:
        # In two pieces, so that the attacker's own statement is not found.
        query = f"select r::text from {source} r where r::text like '%' || {literal(_MARK[8:30])} || {literal(_REST)}"
        with Session(subject.conninfo) as other:
            other.must(_MARK)
            with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
                outcome = exchange.act(ATTACKER, query)
                sql = exchange.sql
        if outcome.refused or not outcome.rows:
            continue
        yield Finding(
            rule="activity_handed_on",
            message=f"{name} shows {caller.role.name} the statements of every session",
            category="SIDE-07",
            verdict=LEAK,
            object=name,
            detail=f"Statements hold other tenants' values where they are not bound as parameters. {NEEDS_PARAMETERS}",
            hint=f"Revoke it from PUBLIC and {caller.role.name}, or leave the query text out of it.",
            evidence=Evidence(sql, f"another role's session runs: {_MARK}", "the session is not its own"),
        )


def _check_activity(subject: Subject, caller: Caller) -> Iterator[Finding]:
    role = caller.role
    if not set(_STATISTICS) & set(role.may_become):
        silent = subject.session.must(_SILENT.format(role=literal(role.name))).rows[0][0]
        if silent != "t" and not any(sample.login for sample in subject.model.declaration.samples):
            yield _shared_login(role.name)
        return
    query = f"select query from pg_stat_activity where query = {literal(_MARK)} and pid <> pg_backend_pid()"
    with Session(subject.conninfo) as other:
        other.must(_MARK)
        with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
            outcome = exchange.act(ATTACKER, query)
            sql = exchange.sql
    if outcome.rows:
        group = next(name for name in _STATISTICS if name in role.may_become)
        yield Finding(
            rule="app_role_reads_all_activity",
            message=f"app role {role.name} is a member of {group} and reads the statements of every session",
            category="SIDE-07",
            verdict=LEAK,
            object=role.name,
            detail=f"Statements hold other tenants' values where they are not bound as parameters. {NEEDS_SQL}",
            hint=f"Run: revoke {group} from {role.sql};",
            evidence=Evidence(sql, f"another role's session runs: {outcome.rows[0][0]}", "the session is not its own"),
        )


def _shared_login(role: str) -> Finding:
    return Finding(
        rule="activity_of_shared_login",
        message=f"sessions of {role} see each other's statements in pg_stat_activity",
        severity=Severity.NOTE,
        category="SIDE-07",
        object=role,
        detail=f"It cannot be closed while all tenants share one login. {NEEDS_SQL}",
        hint="Bind values as parameters instead of writing them into the statement, or run: "
        f"alter role {role} set track_activities = off;",
    )


def _check_locks(subject: Subject, caller: Caller) -> Iterator[Finding]:
    functions = [row[0] for row in subject.session.must(_LOCKING.format(role=literal(caller.role.name))).rows]
    if functions:
        yield Finding(
            rule="advisory_lock_shared",
            message=f"advisory locks taken by {', '.join(map(str, functions))} are one namespace for every tenant",
            severity=Severity.NOTE,
            category="SIDE-03",
            object=str(functions[0]),
            detail=f"Whoever guesses a key sees that it is taken, or keeps it from others. {NEEDS_SQL}",
            hint="Make the tenant a part of the key, e.g. hashtextextended(tenant_id::text || ':' || key, 0).",
        )


def _estimates(roles: set[str]) -> Finding:
    return Finding(
        rule="estimates_tell_volume",
        message=f"{', '.join(sorted(roles))} can read planner estimates and sizes, which are those of all tenants",
        severity=Severity.NOTE,
        category="SIDE-02",
        detail=f"EXPLAIN, reltuples and pg_relation_size tell how much there is, never what. {NEEDS_SQL}",
    )

"""FLOW-04: publications whose stream carries other tenants' rows to an app role that may replicate."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import Subject
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM, identify
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import ScopeModel, TableModel

__all__ = ["check_publications"]

_PUBLISHED = """
select p.pubname, p.schemaname || '.' || p.tablename,
    (select string_agg(quote_ident(a), ', ') from unnest(p.attnames) a), p.rowfilter
from pg_publication_tables p order by 1, 2
"""
_REPLICATING = "select rolname from pg_roles where rolreplication and not rolsuper"


def check_publications(subject: Subject) -> Iterator[Finding]:
    published = subject.session.must(_PUBLISHED).rows
    replicating = {row[0] for row in subject.session.must(_REPLICATING).rows}
    for scope in subject.model.scopes:
        for name in scope.scope.app_roles:
            able = replicating & _becomes(subject, name)
            for publication, table, columns, row_filter in published:
                if able and publication and table:
                    yield from _attack(subject, scope, name, publication, table, columns or "*", row_filter)
    roles = {other for role in subject.model.declaration.app_roles for other in _becomes(subject, role)}
    unfiltered = {str(row[0]) for row in published if row[3] is None}
    if unfiltered and not replicating & roles:
        yield _outside(unfiltered)


def _becomes(subject: Subject, role: str) -> set[str]:
    return {role, *subject.model.relations.roles[role].may_become}


def _attack(
    subject: Subject, scope: ScopeModel, role: str, publication: str, name: str, columns: str, row_filter: str | None
) -> Iterator[Finding]:
    """What the stream carries is what its filter admits; replication asks no policy."""
    table = scope.tables.get(name)
    rows = subject.population.tables.get(name)
    if table is None or not table.protected or rows is None or VICTIM not in rows.rows:
        return
    sql, theirs = _published(subject, table, columns, row_filter, identify(table.table, rows.rows[VICTIM]))
    own = rows.rows.get(ATTACKER)
    mine = _published(subject, table, columns, row_filter, identify(table.table, own))[1] if own else None
    if theirs is None:
        return
    yield Finding(
        rule="publication_carries_tenants",
        message=f"publication {publication} streams every tenant's rows of {name}, and {role} may replicate",
        category="FLOW-04",
        verdict=LEAK,
        object=f"publication:{publication}",
        detail="Replication asks no policy, only the publication's row filter. Needs: a replication connection. Shown "
        "by the rows that the publication admits, as its initial copy reads them.",
        hint=f"Give the table a filter: alter publication {publication} set table {table.table.sql} where (…); or "
        f"revoke replication from {role}.",
        evidence=Evidence(sql, f"a row of the other tenant is published: {theirs}", f"the own row: {mine}"),
    )


def _published(
    subject: Subject, table: TableModel, columns: str, row_filter: str | None, row: str
) -> tuple[str, tuple[str | None, ...] | None]:
    admitted = f"({row_filter}) and " if row_filter else ""
    query = f"select {columns} from {table.table.sql} where {admitted}{row}"
    found = subject.session.must(query).rows
    return f"{query};", found[0] if found else None


def _outside(unfiltered: set[str]) -> Finding:
    names = ", ".join(sorted(unfiltered))
    return Finding(
        rule="publication_unfiltered",
        message=f"publication {names} carries every tenant's rows to whoever subscribes",
        severity=Severity.NOTE,
        category="FLOW-04",
        object=names,
        detail="No app role may replicate, so no tenant reaches it from here.",
    )

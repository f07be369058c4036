"""FLOW-01, FLOW-03, FLOW-05, OBJ-08, RI-01, SIDE-05: what one tenant does and another then reads, loses or is shown.

Row security judges a statement's own rows. Triggers, rules and tables without a tenant column carry rows on: here one
caller acts within its rights, and what the other caller reads or owns is compared before and after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.injections import check_injections
from dbkit.leak.machinery import Machinery, mentioned, read_machinery
from dbkit.leak.observation import Seen, distinctive_values, news, readable, reads, shown_value
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED
from dbkit.leak.rows import ATTACKER, VICTIM, identify, insert_statement
from dbkit.leak.session import Outcome
from dbkit.leak.synthesis import invent_row
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import Kind, TableModel
from dbkit.tenancy.relations import Table, literal

__all__ = ["check_flows"]

# Shorter keys stand in other columns by chance.
_LONG_KEY = 8
_BOTH = (VICTIM, ATTACKER)


def check_flows(subject: Subject) -> Iterator[Finding]:
    machinery = read_machinery(subject.session, subject.model.relations)
    for caller in callers(subject.model):
        reported: set[str | None] = set()
        for finding in (
            *_check_copies(subject, caller),
            *_check_mailboxes(subject, caller),
            *_check_carried(subject, caller, machinery),
            *_check_drawn_in(subject, caller, machinery),
            *check_injections(subject, caller, machinery),
        ):
            # What is shown already as a leak of an object is not shown a second time in another way.
            if finding.object not in reported:
                yield finding
            if finding.verdict == LEAK:
                reported.add(finding.object)


def _unowned(caller: Caller, *kinds: Kind) -> list[TableModel]:
    """Tables without a tenant column that nobody declared to be shared."""
    return [
        table
        for table in caller.scope.tables.values()
        if table.kind in kinds and not table.reason.startswith("declared")
    ]


# Rows of protected tables that stand in others too


def _check_copies(subject: Subject, caller: Caller) -> Iterator[Finding]:
    """Tables without a tenant column that triggers, or the given database's own rows, filled with the victim's data."""
    values = distinctive_values(subject.model, subject.population, protected=True)
    foreign = [value for value, slots in values.items() if VICTIM in slots]
    key = subject.population.identities[VICTIM].tenant
    foreign += [key] if len(key) >= _LONG_KEY else []
    tables = _readable(subject, caller, _unowned(caller, Kind.SHARED, Kind.UNKNOWN))
    for table in tables:
        with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
            outcome = exchange.act(ATTACKER, f"select * from {table.table.sql}")
            value = shown_value(outcome, foreign)
            if value is None or outcome.refused:
                continue
            rows = [row for row in outcome.rows if any(cell and value in cell for cell in row)]
            control = f"{len(outcome.rows)} rows, {len(rows)} of them with this value of the victim's: {value}"
            yield _copied(table.table, caller, Evidence(exchange.sql, f"a row of the other tenant: {rows[0]}", control))


def _readable(subject: Subject, caller: Caller, tables: list[TableModel]) -> list[TableModel]:
    return [
        table
        for table in tables
        if table.table.kind in ("r", "p") and caller.privileges(subject.model, table.table).may("select")
    ]


def _copied(table: Table, caller: Caller, evidence: Evidence) -> Finding:
    return Finding(
        rule="copy_of_tenant_rows_readable",
        message=f"{table.qualified} holds what tenants write elsewhere, and {caller.role.name} reads every tenant's",
        category="FLOW-01",
        verdict=LEAK,
        object=table.qualified,
        detail=f"It has no tenant column and no policy that tells tenants apart. {NEEDS_PARAMETERS}",
        hint=f"Give {table.qualified} a tenant column and a policy on it, or revoke select on it.",
        evidence=evidence,
    )


# Tables that every tenant writes and reads


def _check_mailboxes(subject: Subject, caller: Caller) -> Iterator[Finding]:
    """Tables nobody classified: a row one tenant writes, looked for by the other, in both directions."""
    for table in _unowned(caller, Kind.UNKNOWN):
        held = caller.privileges(subject.model, table.table)
        if not held.reachable or table.table.kind not in ("r", "p"):
            continue
        yield _mailbox(subject, caller, table)


def _mailbox(subject: Subject, caller: Caller, table: TableModel) -> Finding:
    name, catalog = table.table.qualified, table.table
    rows = {slot: invent_row(subject.session, subject.model, subject.population, catalog, slot) for slot in _BOTH}
    theirs = rows[VICTIM]
    if isinstance(theirs, Outcome):
        return _unclassified(table, caller, f"no row could be made for it: {theirs}")
    statement = insert_statement(catalog, theirs)
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        before = {slot: reads(exchange, subject.model, slot, [catalog]) for slot in _BOTH}
        for writer, reader in ((VICTIM, ATTACKER), (ATTACKER, VICTIM)):
            with exchange.trial():
                written = exchange.act(writer, statement)
                after = reads(exchange, subject.model, reader, [catalog])
                exchange.act(reader, f"select * from {catalog.sql}")
                shown = news(before[reader], after)
                own = news(before[writer], reads(exchange, subject.model, writer, [catalog]))
                if shown is not None:
                    evidence = Evidence(
                        exchange.sql,
                        f"the {'attacker' if reader == ATTACKER else 'victim'} reads {shown[1]}",
                        f"{statement}; -- as the one who writes: {written}; before it the reader sees "
                        f"{sum(before[reader].get(name, {}).values())} rows",
                    )
                    return _shared_mailbox(table, caller, writer, evidence)
            if writer == VICTIM and (written.refused or own is None):
                return _unclassified(table, caller, f"the row that was made for it shows to nobody: {written}")
    return Finding(
        rule="path_holds",
        message=f"a row that one tenant writes into {name} as {caller.role.name} is not shown to another",
        severity=Severity.NOTE,
        category="FLOW-05",
        verdict=HOLDS,
        object=name,
        detail="It has no tenant column; its policies tell tenants apart by what its rows hold.",
    )


def _shared_mailbox(table: TableModel, caller: Caller, writer: str, evidence: Evidence) -> Finding:
    name = table.table.qualified
    forged = writer == ATTACKER
    what = "writes rows that another tenant takes for its own" if forged else "reads what every other tenant writes"
    return Finding(
        rule="rows_cross_unowned_table",
        message=f"{name} has no tenant column, and {caller.role.name} {what}",
        category="FLOW-05",
        verdict=LEAK,
        object=name,
        detail=f"A row written in one tenant's context is read in another's. {NEEDS_PARAMETERS}",
        hint=f'Give {name} a tenant column and a policy, or declare it: shared = ["{name}"].',
        evidence=evidence,
    )


def _unclassified(table: TableModel, caller: Caller, why: str) -> Finding:
    name = table.table.qualified
    return Finding(
        rule="table_not_classified",
        message=f"{name} is reachable by {caller.role.name} and nothing says whose rows it holds",
        severity=Severity.WARNING,
        category="RLS-01",
        verdict=UNVERIFIED,
        object=name,
        detail=f"{why}.",
        hint="Name its tenant column under [tenancy.tables], or list it in shared or internal.",
    )


# What triggers and rules carry from the victim to the attacker


def _check_carried(subject: Subject, caller: Caller, machinery: Machinery) -> Iterator[Finding]:
    relations = subject.model.relations.tables
    for table in caller.scope.tables.values():
        rows = subject.population.tables.get(table.table.qualified)
        text = machinery.text(table.table)
        if not text or not table.protected or rows is None or VICTIM not in rows.rows:
            continue
        watched = [each for each in mentioned(text, relations.values()) if each is not table.table]
        if not subject.writes(table.table.qualified, *(each.qualified for each in watched)):
            continue
        with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
            watched = readable(exchange, subject.model, watched)
            if not watched:
                continue
            before = reads(exchange, subject.model, ATTACKER, watched)
            for statement in _own_writes(subject, caller, table, VICTIM):
                with exchange.trial():
                    written = exchange.act(VICTIM, statement)
                    after: Seen = {} if written.refused else reads(exchange, subject.model, ATTACKER, watched)
                    shown = news(before, after)
                    if shown is not None:
                        exchange.act(ATTACKER, f"select * from {relations[shown[0]].sql}")
                        yield _carried(subject, caller, table, statement, shown, exchange.sql)


def _check_drawn_in(subject: Subject, caller: Caller, machinery: Machinery) -> Iterator[Finding]:
    """An own write whose trigger or rule puts another tenant's data where the writer reads it."""
    relations = subject.model.relations.tables
    values = distinctive_values(subject.model, subject.population)
    foreign = [value for value, slots in values.items() if VICTIM in slots]
    for table in caller.scope.tables.values():
        rows, text = subject.population.tables.get(table.table.qualified), machinery.text(table.table)
        if not text or not table.protected or rows is None or ATTACKER not in rows.rows:
            continue
        named = mentioned(text, relations.values())
        if not subject.writes(table.table.qualified, *(each.qualified for each in named)):
            continue
        with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
            watched = readable(exchange, subject.model, named)
            before = reads(exchange, subject.model, ATTACKER, watched)
            for statement in _own_writes(subject, caller, table, ATTACKER) if watched else ():
                with exchange.trial():
                    written = exchange.act(ATTACKER, statement)
                    after: Seen = {} if written.refused else reads(exchange, subject.model, ATTACKER, watched)
                    for name, seen in after.items():
                        fresh = tuple(seen - before.get(name, Counter()))
                        value = shown_value(Outcome(rows=fresh), foreign, statement)
                        if value is not None:
                            exchange.act(ATTACKER, f"select * from {relations[name].sql}")
                            yield _drawn_in(
                                caller, table, name, Evidence(exchange.sql, value, f"{statement}; {written}")
                            )
                            return


def _drawn_in(caller: Caller, table: TableModel, name: str, evidence: Evidence) -> Finding:
    return Finding(
        rule="write_draws_in_foreign_rows",
        message=f"{caller.role.name} reads another tenant's data in {name} after writing to {table.table.qualified}",
        category="FLOW-03",
        verdict=LEAK,
        object=name,
        detail=f"A trigger or rule of {table.table.qualified} looks rows up without comparing the tenant or the user. "
        f"{NEEDS_PARAMETERS}",
        hint="Compare the tenant and the user in every join of what runs then.",
        evidence=evidence,
    )


def _own_writes(subject: Subject, caller: Caller, table: TableModel, slot: str) -> Iterator[str]:
    """What the person of a slot does with its own row, each as its privileges permit."""
    catalog, rows = table.table, subject.population.tables[table.table.qualified]
    held = caller.privileges(subject.model, catalog)
    row = rows.rows[slot]
    if held.may("insert") and slot in rows.spares and slot not in rows.displaced:
        granted = held.columns.get("insert", frozenset())
        yield insert_statement(catalog, {n: v for n, v in rows.spares[slot].items() if n in granted})
    for name in held.columns.get("update", frozenset()):
        column = catalog.columns[name]
        if not column.filled_by_server:
            yield f"update {catalog.sql} set {column.sql} = {literal(row[name])} where {identify(catalog, row)}"
            break
    if held.may("delete"):
        yield f"delete from {catalog.sql} where {identify(catalog, row)}"


def _carried(
    subject: Subject,
    caller: Caller,
    table: TableModel,
    statement: str,
    shown: tuple[str, tuple[str | None, ...]],
    sql: str,
) -> Finding:
    name, row = shown
    identity = subject.population.identities[VICTIM]
    values = distinctive_values(subject.model, subject.population)
    told = [value for value, slots in values.items() if VICTIM in slots]
    named = shown_value(Outcome(rows=(row,)), told) is not None or {identity.tenant, identity.user} & set(row)
    return Finding(
        rule="write_shows_in_another_tenant",
        message=f"what one tenant writes to {table.table.qualified} shows to {caller.role.name} of another in {name}",
        severity=Severity.ERROR if named else Severity.WARNING,
        category="FLOW-01",
        verdict=LEAK if named else None,
        object=name,
        detail=f"A trigger or rule of {table.table.qualified} carries it there. {NEEDS_PARAMETERS}",
        hint=f"Give {name} a tenant column and a policy on it, or revoke select on it.",
        evidence=Evidence(sql, f"a new row for the attacker: {row}", f"{statement}; -- before it the row is not there"),
    )

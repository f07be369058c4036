"""PRIV-01: an own row that takes a key of the victim's, or names its person, and what that opens to whom.

Policies often tell rows apart by an id that only its default draws, or ask a table who belongs where. Whoever may write
such a column claims with it: the row stays its own, and another table's policy believes it. The claim is made, own
rows are hung on it, and what both sides read, as every app role, is compared with what they read before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dbkit.leak.asking import asking, mentions
from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.paths import LEAK
from dbkit.leak.references import deliberate, equated_columns
from dbkit.leak.rows import (
    ATTACKER,
    COLLEAGUE,
    NEWCOMERS,
    VICTIM,
    TableRows,
    Values,
    delete_statements,
    identify,
    insert_statement,
)
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import Kind, TableModel
from dbkit.tenancy.relations import ForeignKey, Table, literal

__all__ = ["check_claims"]


@dataclass(frozen=True)
class _Claim:
    """Columns of an own row and the values of the victim's they are given.

    Attributes:
        keys: the row takes over what the victim's row of the same table is told apart by; otherwise it references.
        planted: columns by which a row of the victim's names the attacker, as a share that its receiver writes.
    """

    values: Values
    keys: bool
    planted: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Look:
    """Whose eyes (`slot`), as which caller, on which table, with which query."""

    slot: str
    role: str
    name: str
    query: str
    caller: Caller = field(compare=False)


def check_claims(subject: Subject) -> Iterator[Finding]:
    everybody = list(callers(subject.model))
    askers = asking(subject.model.relations)
    seen: set[str] = set()
    for caller in everybody:
        for table in caller.scope.tables.values():
            if not table.protected or table.table.kind not in ("r", "p") or table.table.is_partition:
                continue
            children = list(_children(subject, table.table))
            asked = askers[table.table.qualified].union(*(askers[child.qualified] for child in children))
            watched = {table.table.qualified, *asked, *(child.qualified for child in children)}
            if not subject.attacks(*watched):
                continue
            for claim in _claims(subject, caller, table):
                if not asked and not _told_apart(subject, table.table, children, set(claim.values)):
                    continue
                finding = _attack(subject, caller, everybody, table, claim, watched)
                if finding is not None and finding.message not in seen:
                    seen.add(finding.message)
                    yield finding


def _claims(subject: Subject, caller: Caller, table: TableModel) -> Iterator[_Claim]:
    """Columns the role may write, apart from the one that says whose row it is."""
    rows, held = subject.population.tables.get(table.table.qualified), caller.privileges(subject.model, table.table)
    if rows is None or not {ATTACKER, VICTIM} <= set(rows.rows) or rows.rows[ATTACKER] is rows.rows[VICTIM]:
        return
    writable = held.columns.get("insert", frozenset()) | held.columns.get("update", frozenset())
    writable -= {table.column or "", *subject.model.tenant_columns}
    yielded: list[Values] = []

    def new(values: Values) -> bool:
        own = rows.rows[ATTACKER]
        if not values or None in values.values() or not set(values) <= writable or values in yielded:
            return False
        yielded.append(values)
        return any(own.get(name) != value for name, value in values.items())

    people = subject.model.user_columns.get(table.table.qualified, ())
    naming = {*people, *(name for key in table.table.foreign_keys for name in key.columns)} - {table.column}
    for unique in table.table.uniques:
        # A key over all tenants refuses the victim's value, which is the business of the oracles; and whoever is named
        # in a row, as one who is invited is, may be meant to read it.
        if table.column in unique.columns and None not in unique.columns and not naming & set(unique.columns):
            values = {name: rows.rows[VICTIM][name] for name in unique.columns if name and name != table.column}
            if new(values):
                yield _Claim(values, keys=True)
    for key in table.table.foreign_keys:
        target = subject.population.tables.get(key.target)
        if target is None or VICTIM not in target.rows or table.column in key.columns:
            continue
        if deliberate(subject.model, table, key):
            continue
        values = {o: target.rows[VICTIM][theirs] for o, theirs in zip(key.columns, key.target_columns, strict=True)}
        if new(values):
            yield _Claim(values, keys=False)
    planted = _planted(subject, caller, table, rows)
    if planted is not None:
        yield planted
    for own, other, theirs in equated_columns(subject.model.relations, table.table):
        target = subject.population.tables.get(other.qualified)
        if (own,) == table.table.primary_key:
            continue  # what the other row names is a row that there is, and its key is taken
        if own != table.column and target is not None and VICTIM in target.rows:
            values = {own: target.rows[VICTIM][theirs]}
            if new(values):
                yield _Claim(values, keys=False)


def _planted(subject: Subject, caller: Caller, table: TableModel, rows: TableRows) -> _Claim | None:
    """The attacker's key in every column of a victim's row that names a further tenant, and what policies lead by."""
    insertable = caller.privileges(subject.model, table.table).columns.get("insert", frozenset())
    key = rows.rows[ATTACKER].get(table.column or "")
    if table.kind is not Kind.TENANT or table.column not in insertable or VICTIM not in rows.spares or key is None:
        return None
    named = (foreign.columns for foreign in table.table.foreign_keys if _names_tenant(subject, foreign))
    naming = {columns[0]: key for columns in named if columns[0] != table.column and columns[0] in insertable}
    if not naming:
        return None
    led: Values = {}
    for own, other, theirs in equated_columns(subject.model.relations, table.table):
        target = subject.population.tables.get(other.qualified)
        if own not in {table.column, *naming} and own in insertable and target is not None and VICTIM in target.rows:
            led = {**led, own: target.rows[VICTIM][theirs]}
    return _Claim({**led, **naming}, keys=False, planted=tuple(naming))


def _names_tenant(subject: Subject, key: ForeignKey) -> bool:
    return len(key.columns) == 1 and (key.target, key.target_columns[0]) == subject.model.registry


def _attack(
    subject: Subject, caller: Caller, everybody: list[Caller], table: TableModel, claim: _Claim, watched: set[str]
) -> Finding | None:
    """Make the claim, and look what it opens in the watched tables: those it changes and those that ask about them."""
    if claim.planted:
        watched = watched - {table.table.qualified}  # a row with two parties is for both to read
    for statement, claimed in _statements(subject, caller, table, claim):
        with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
            _clear(exchange, subject, table.table)
            with exchange.trial():
                outcome = exchange.act(ATTACKER, statement)
            if outcome.refused or not outcome.affected:
                continue
            before = _opened(exchange, subject, everybody, claim, watched)
            exchange.act(ATTACKER, statement)
            _hang(exchange, subject, caller, table.table, claimed)
            for look, count in _opened(exchange, subject, everybody, claim, watched).items():
                if count > before.get(look, 0):
                    return _shown(exchange, subject, table, claim, look, (before.get(look, 0), count))
    return None


def _statements(subject: Subject, caller: Caller, table: TableModel, claim: _Claim) -> Iterator[tuple[str, Values]]:
    """A new own row with the victim's values, and the own row changed to them; each with the row it makes."""
    rows, held = subject.population.tables[table.table.qualified], caller.privileges(subject.model, table.table)
    insertable, updatable = (held.columns.get(command, frozenset()) for command in ("insert", "update"))
    users = subject.model.user_columns.get(table.table.qualified, ())
    if claim.planted:
        values = {**rows.spares[VICTIM], **claim.values}
        given = {name: value for name, value in values.items() if name in insertable}
        yield insert_statement(table.table, given), values
        return
    if set(claim.values) <= insertable and ATTACKER in rows.spares:
        spare = rows.spares[ATTACKER]
        # Made for somebody who is nowhere else yet; here it has to be the attacker, who then looks.
        newcomer = subject.population.identities.get(NEWCOMERS[ATTACKER])
        mine = {
            name: subject.population.identities[ATTACKER].user
            for name in users
            if claim.keys and newcomer and spare.get(name) in (None, newcomer.user) and name in insertable
        }
        values = {**spare, **mine, **claim.values}
        given = {name: value for name, value in values.items() if name in insertable}
        yield insert_statement(table.table, given), values
    if set(claim.values) <= updatable:
        pairs = ", ".join(f"{table.table.columns[name].sql} = {literal(value)}" for name, value in claim.values.items())
        # The colleague's row as well: what says who the attacker is may be the own row itself.
        for row in [rows.rows[slot] for slot in (ATTACKER, COLLEAGUE) if slot in rows.rows]:
            yield f"update {table.table.sql} set {pairs} where {identify(table.table, row)}", {**row, **claim.values}


def _children(subject: Subject, table: Table) -> Iterator[Table]:
    """Tables whose rows can be hung on one of this table."""
    for child in subject.model.relations.base_tables:
        if any(key.target == table.qualified for key in child.foreign_keys):
            yield child


def _told_apart(subject: Subject, table: Table, children: list[Table], claimed: set[str]) -> bool:
    """Whether a policy of the table tells its rows apart by these columns, or one of a child by its reference."""
    if mentions(table.policies, claimed):
        return True
    tenants = {scope.tables[child.qualified].column for scope in subject.model.scopes for child in children}
    return any(
        mentions(child.policies, set(key.columns) - tenants)
        for child in children
        for key in child.foreign_keys
        if key.target == table.qualified
    )


def _clear(exchange: Exchange, subject: Subject, table: Table) -> None:
    """The own row without rows that reference it, which would keep its key as it is."""
    for name, rows in subject.population.tables.items():
        child = subject.model.relations.tables[name]
        memberships = subject.model.memberships
        if name in (table.qualified, memberships and memberships.table) or not _references(child, table):
            continue
        exchange.admin(*delete_statements(child, _only_of(rows, ATTACKER)))


def _references(child: Table, table: Table) -> bool:
    return any(key.target == table.qualified and key.on_update != "c" for key in child.foreign_keys)


def _hang(exchange: Exchange, subject: Subject, caller: Caller, table: Table, claimed: Values) -> None:
    """Own rows of other tables made to reference the claimed one, new or changed, where the role may."""
    for name, rows in subject.population.tables.items():
        child = caller.scope.tables.get(name)
        if child is None or ATTACKER not in rows.rows:
            continue
        held = caller.privileges(subject.model, child.table)
        insertable = held.columns.get("insert", frozenset())
        for key in child.table.foreign_keys:
            pairs = dict(zip(key.columns, key.target_columns, strict=True))
            if key.target != table.qualified or any(claimed.get(theirs) is None for theirs in pairs.values()):
                continue
            led = {own: claimed[theirs] for own, theirs in pairs.items()}
            changed = {own: value for own, value in led.items() if own != child.column}
            if changed and set(changed) <= held.columns.get("update", frozenset()):
                listed = ", ".join(f"{child.table.columns[own].sql} = {literal(v)}" for own, v in changed.items())
                where = identify(child.table, rows.rows[ATTACKER])
                exchange.act(ATTACKER, f"update {child.table.sql} set {listed} where {where}")
            if ATTACKER in rows.spares and set(led) <= insertable:
                values = {own: value for own, value in {**rows.spares[ATTACKER], **led}.items() if own in insertable}
                exchange.act(ATTACKER, insert_statement(child.table, values))


def _opened(
    exchange: Exchange, subject: Subject, everybody: list[Caller], claim: _Claim, watched: set[str]
) -> dict[_Look, int]:
    """How many of the other tenant's rows the attacker reads in each table, as each role; with a key taken, the victim
    too."""
    found: dict[_Look, int] = {}
    for caller in everybody:
        for slot in (ATTACKER, VICTIM) if claim.keys else (ATTACKER,):
            queries = dict(_queries(subject, caller, slot, watched))
            parts = [f"select {literal(name)}, count(*) from ({query}) seen" for name, query in queries.items()]
            if not parts:
                continue
            looking = Exchange(subject.session, subject.model, subject.population, caller)
            with exchange.trial():
                outcome = looking.act(slot, " union all ".join(parts))
            for name, count in outcome.rows:
                found[_Look(slot, caller.role.name, str(name), queries[str(name)], caller)] = int(count or 0)
    return found


def _queries(subject: Subject, caller: Caller, slot: str, watched: set[str]) -> Iterator[tuple[str, str]]:
    """Protected table -> the other tenant's rows in it, written with columns that the role may read."""
    other = ATTACKER if slot == VICTIM else VICTIM
    for name, table in caller.scope.tables.items():
        if name not in watched:
            continue
        columns = caller.privileges(subject.model, table.table).columns.get("select", frozenset())
        rows = subject.population.tables.get(name)
        if not table.protected or rows is None or other not in rows.rows or not columns:
            continue
        tenants = {s.tables[name].column for s in subject.model.scopes if s.tables[name].kind is Kind.TENANT} - {None}
        if tenants & columns:
            tenant = subject.population.identities[other].tenant
            conditions = [
                f"{table.table.columns[str(t)].sql} = {literal(tenant)}" for t in sorted(map(str, tenants & columns))
            ]
        elif slot == ATTACKER and set(table.table.primary_key) <= columns and table.table.primary_key:
            conditions = [f"({identify(table.table, row)})" for row in _only_of(rows, other)]
        else:
            continue
        if conditions:
            yield name, f"select 1 from {table.table.sql} where {' or '.join(conditions)}"


def _only_of(rows: TableRows, slot: str) -> list[Values]:
    """Rows of a tenant that are not the other's as well."""
    shared = [row for each, row in rows.rows.items() if each[0] != slot[0]]
    return [row for each, row in rows.rows.items() if each[0] == slot[0] and row not in shared]


def _shown(
    exchange: Exchange, subject: Subject, table: TableModel, claim: _Claim, look: _Look, counts: tuple[int, int]
) -> Finding:
    """The finding, with the look as the last statement of what can be pasted."""
    looking = Exchange(subject.session, subject.model, subject.population, look.caller)
    looking.act(look.slot, look.query)
    exchange.script += looking.script
    who = "the attacker" if look.slot == ATTACKER else "the victim"
    witness = f"{who}, as {look.role}, reads {counts[1]} rows of {look.name} that are the other tenant's"
    evidence = Evidence(exchange.sql, witness, f"the same look before: {counts[0]} rows")
    return _finding(exchange.caller, table, claim, look.name, evidence)


def _finding(caller: Caller, table: TableModel, claim: _Claim, opened: str, evidence: Evidence) -> Finding:
    columns = ", ".join(claim.values)
    what = "may take another tenant's" if claim.keys else "may name another tenant's"
    where = "in its own rows"
    if claim.planted:
        what, where, columns = "may name itself as", "in another tenant's rows", ", ".join(claim.planted)
    return Finding(
        rule="claim_opens_rows",
        message=f"{caller.role.name} {what} {columns} {where} of {table.table.qualified}, which opens {opened}",
        category="PRIV-01",
        verdict=LEAK,
        object=table.table.qualified,
        detail=f"A policy or the function it asks believes {columns} without asking whose row says so. "
        f"{NEEDS_PARAMETERS}",
        hint=f"Leave {columns} out of the column grants on {table.table.qualified}, or compare the tenant there too.",
        evidence=evidence,
    )

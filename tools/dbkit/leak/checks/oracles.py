"""RI-03: keys that are unique over all tenants, so that a refused or swallowed row tells what another tenant has.

Shown by one statement run twice, with the victim's row in place and with it taken away: where the answers differ, the
attacker has learnt that the row exists without reading it. A key that cannot be guessed is no useful oracle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM, TableRows, Values, delete_statements, identify, insert_statement
from dbkit.leak.session import Outcome
from dbkit.leak.values import first_value
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import Kind, Model, TableModel
from dbkit.tenancy.relations import Column, Table, UniqueKey, literal

__all__ = ["check_oracles"]

_DUPLICATE = ("23505", "23P01")
# Values that a server or a client draws by chance: knowing one is having seen it.
_DRAWN = re.compile(r"random|gen_|uuid|nextval|nanoid|ulid|ksuid", re.IGNORECASE)
_SECRET = re.compile(
    r"(?:^|_)(?:token|secret|hash|digest|fingerprint|checksum|signature|nonce|uuid|guid|otp|idempotency_key|api_key)"
    r"(?:$|_)"
)
_EXPRESSIONS = """
select x.relname, pg_get_expr(i.indexprs, i.indrelid)
from pg_index i join pg_class x on x.oid = i.indexrelid
where i.indrelid = {oid} and i.indexprs is not null and (i.indisunique or i.indisexclusion)
"""


@dataclass(frozen=True)
class _Probe:
    """One way to run into another tenant's key: a statement, and the same one that swallows the conflict."""

    statement: str
    silent: str | None


def check_oracles(subject: Subject) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for caller in callers(subject.model):
        for name, table in caller.scope.tables.items():
            rows = subject.population.tables.get(name)
            if not table.protected or rows is None or not {ATTACKER, VICTIM} <= set(rows.rows):
                continue
            for finding in _check_table(subject, caller, table, rows):
                if (finding.rule, finding.message) not in seen:
                    seen.add((finding.rule, finding.message))
                    yield finding


def _check_table(subject: Subject, caller: Caller, model: TableModel, rows: TableRows) -> Iterator[Finding]:
    table = model.table
    held = caller.privileges(subject.model, table)
    if not (held.may("insert") or held.may("update")) or rows.rows[VICTIM] is rows.rows[ATTACKER]:
        return
    drawn = []
    for unique in table.uniques:
        columns = _key_columns(subject, table, unique)
        if not columns or _owned(subject.model, model, columns):
            continue
        if not all(_guessable(table, unique, table.columns[name]) for name in columns):
            drawn.append(unique.name)
            continue
        finding = _attack(subject, caller, model, rows, unique, columns)
        if finding is not None:
            yield finding
    if drawn:
        yield Finding(
            rule="global_key_not_guessable",
            message=f"{', '.join(drawn)} of {table.qualified} is unique over all tenants, but its values are drawn",
            severity=Severity.NOTE,
            category="RI-03",
            object=table.qualified,
            detail="Whoever knows a value already learns whether it is in use.",
        )


def _key_columns(subject: Subject, table: Table, unique: UniqueKey) -> tuple[str, ...]:
    """The columns of a key; for an expression, those it is made of."""
    columns = [name for name in unique.columns if name]
    if len(columns) < len(unique.columns):
        for name, expression in subject.session.must(_EXPRESSIONS.format(oid=table.oid)).rows:
            if name == unique.name:
                words = set(re.findall(r"[A-Za-z_][\w$]*", expression or ""))
                columns += [column for column in table.columns if column in words]
    return tuple(dict.fromkeys(columns))


def _owned(model: Model, table: TableModel, columns: tuple[str, ...]) -> bool:
    """Whether a column of the key says whose row it is, so that no two tenants meet in it."""
    names = {table.column, *model.tenant_columns} if table.kind is Kind.TENANT else {table.column}
    if table.kind is not Kind.TENANT:
        names |= {*model.tenant_columns, *model.user_columns.get(table.table.qualified, ())}
    return bool(names & set(columns))


def _guessable(table: Table, unique: UniqueKey, column: Column) -> bool:
    if column.identity or _DRAWN.search(column.default or "") or _SECRET.search(column.name):
        return False
    if column.base == "uuid":
        # A key that callers choose can be taken before its owner does; one that points elsewhere cannot be guessed.
        references = any(column.name in key.columns for key in table.foreign_keys)
        return unique.primary and column.default is None and not references
    return column.base not in ("bytea", "json", "jsonb", "xml")


def _attack(
    subject: Subject,
    caller: Caller,
    model: TableModel,
    rows: TableRows,
    unique: UniqueKey,
    columns: tuple[str, ...],
) -> Finding | None:
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        victim = _complete(exchange, model.table, rows.rows[VICTIM], columns)
        if victim is None:
            return None
        for probe in _probes(subject.model, caller, model, rows, {name: victim[name] for name in columns}):
            with exchange.trial():
                there = exchange.act(ATTACKER, probe.statement)
                shown = exchange.sql
            with exchange.trial():
                exchange.admin(*delete_statements(model.table, [victim]))
                gone = exchange.act(ATTACKER, probe.statement)
            if there.sqlstate in _DUPLICATE and there.constraint == unique.name and not _same(there, gone):
                silent = _silent(exchange, probe)
                return _finding(model, unique, columns, Evidence(shown, _witness(there, silent), _control(gone)))
    return None


def _complete(exchange: Exchange, table: Table, row: Values, columns: tuple[str, ...]) -> Values | None:
    """The victim's row with a value in every column of the key, given to it by the administrator where it has none."""
    empty = [name for name in columns if row[name] is None]
    values = {name: first_value(table.qualified, table.columns[name], VICTIM, 7) for name in empty}
    if any(value is None for value in values.values()):
        return None
    if values:
        pairs = ", ".join(f"{table.columns[name].sql} = {literal(value)}" for name, value in values.items())
        if exchange.admin(f"update {table.sql} set {pairs} where {identify(table, row)}").refused:
            return None
    return {**row, **values}


def _probes(model: Model, caller: Caller, table: TableModel, rows: TableRows, key: Values) -> Iterator[_Probe]:
    """The victim's key under an own row: a new one, and one that is there already."""
    catalog, held = table.table, caller.privileges(model, table.table)
    spare = rows.spares.get(ATTACKER)
    insertable = held.columns.get("insert", frozenset())
    if spare is not None and set(key) <= insertable and ATTACKER not in rows.displaced:
        values = {name: value for name, value in {**spare, **key}.items() if name in insertable}
        statement = insert_statement(catalog, values)
        yield _Probe(statement, f"{statement} on conflict do nothing")
    changed = {name: value for name, value in key.items() if not catalog.columns[name].filled_by_server}
    if changed and set(changed) <= held.columns.get("update", frozenset()):
        pairs = ", ".join(f"{catalog.columns[name].sql} = {literal(value)}" for name, value in changed.items())
        yield _Probe(f"update {catalog.sql} set {pairs} where {identify(catalog, rows.rows[ATTACKER])}", None)


def _same(one: Outcome, other: Outcome) -> bool:
    return (one.sqlstate, one.constraint) == (other.sqlstate, other.constraint)


def _silent(exchange: Exchange, probe: _Probe) -> Outcome | None:
    if probe.silent is None:
        return None
    with exchange.trial():
        return exchange.act(ATTACKER, probe.silent)


def _witness(there: Outcome, silent: Outcome | None) -> str:
    text = f"with the other tenant's row: {there}"
    if silent is not None and not silent.refused:
        text += f"; with on conflict do nothing: {silent}, silently"
    return text


def _control(gone: Outcome) -> str:
    return f"the same statement after the other tenant's row is taken away: {gone}"


def _finding(model: TableModel, unique: UniqueKey, columns: tuple[str, ...], evidence: Evidence) -> Finding:
    table = model.table
    # Names of tenants and addresses of users are the product's own namespace: there can be only one of each.
    namespace = model.kind is Kind.MEMBER or "registry" in model.reason
    key = ", ".join(columns)
    return Finding(
        rule="global_key_oracle",
        message=f"{unique.name} of {table.qualified} is an oracle: ({key}) is unique over all tenants, so a refusal "
        "tells that another tenant has the value",
        severity=Severity.WARNING if namespace else Severity.ERROR,
        category="RI-03",
        verdict=None if namespace else LEAK,
        object=table.qualified,
        detail=f"The row itself is not read. {NEEDS_PARAMETERS}",
        hint=f"Lead the key with {model.column}." if model.column else "Lead the key with the tenant column.",
        evidence=evidence,
    )

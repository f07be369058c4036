"""RI-01, RI-02: references that lead to other tenants on purpose, and deletes that follow them back.

That an own row may reference the victim's is attacked with the tables. Here it is the other way round: the victim's
row hangs on the attacker's, and what the attacker does to its own row befalls the victim's.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.observation import belongings
from dbkit.leak.paths import LEAK
from dbkit.leak.references import crossing_keys, deliberate
from dbkit.leak.rows import ATTACKER, VICTIM, Values, identify, insert_statement
from dbkit.leak.values import first_value
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import TableModel
from dbkit.tenancy.relations import ForeignKey, literal

__all__ = ["check_references"]

_FOLLOWS = {"c": "cascade", "n": "set null", "d": "set default"}


def check_references(subject: Subject) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for caller in callers(subject.model):
        for table in caller.scope.tables.values():
            if not table.protected:
                continue
            for key in crossing_keys(subject.model, caller.scope, table):
                finding = _attack(subject, caller, table, key)
                if finding is None and deliberate(subject.model, table, key):
                    finding = _on_purpose(table, key)
                if finding is not None and (finding.rule, finding.message) not in seen:
                    seen.add((finding.rule, finding.message))
                    yield finding


def _attack(subject: Subject, caller: Caller, table: TableModel, key: ForeignKey) -> Finding | None:
    """A row of the victim's that references the attacker's, then what the attacker may do to its own."""
    parents = subject.population.tables.get(key.target)
    children = subject.population.tables.get(table.table.qualified)
    if key.on_delete not in _FOLLOWS and key.on_update not in _FOLLOWS:
        return None
    if not parents or not children or ATTACKER not in parents.rows or VICTIM not in children.rows:
        return None
    parent, target = parents.rows[ATTACKER], caller.scope.tables[key.target]
    pairs = [pair for pair in zip(key.columns, key.target_columns, strict=True) if pair[0] != table.column]
    hung = {own: parent[theirs] for own, theirs in pairs}
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        if not _hang(exchange, caller, subject, table, hung):
            return None
        before = belongings(exchange, subject.model, subject.population, [table])
        for statement, follows in _own_changes(subject, caller, target, key, parent):
            with exchange.trial():
                outcome = exchange.act(ATTACKER, statement)
                shown = exchange.sql
                after = belongings(exchange, subject.model, subject.population, [table])
            if not outcome.refused and after != before:
                witness = f"a row of the victim's went or changed: {sorted(before - after)[0]}"
                control = f"{statement}; -- on the attacker's own row of {key.target}: {outcome}"
                return _finding(caller, table, key, follows, Evidence(shown, witness, control))
    return None


def _hang(exchange: Exchange, caller: Caller, subject: Subject, table: TableModel, hung: Values) -> bool:
    """Make the victim's row reference the attacker's: as the victim may, or as rows of the given database do."""
    children = subject.population.tables[table.table.qualified]
    pairs = ", ".join(f"{table.table.columns[name].sql} = {literal(value)}" for name, value in hung.items())
    update = f"update {table.table.sql} set {pairs} where {identify(table.table, children.rows[VICTIM])}"
    if VICTIM in children.spares and VICTIM not in children.displaced:
        held = caller.privileges(subject.model, table.table).columns.get("insert", frozenset())
        values = {name: value for name, value in {**children.spares[VICTIM], **hung}.items() if name in held}
        if values and not exchange.act(VICTIM, insert_statement(table.table, values)).refused:
            return True
    updated = exchange.act(VICTIM, update)
    if not updated.refused and updated.affected:
        return True
    keys = [key for key in table.table.foreign_keys if set(hung) <= set(key.columns)]
    crossed = {f"{table.table.qualified}.{name}" for name in hung} & set(subject.model.declaration.crossed)
    if not crossed and not any(deliberate(subject.model, table, key) for key in keys):
        return False
    return not exchange.admin(update).refused


def _own_changes(
    subject: Subject, caller: Caller, target: TableModel, key: ForeignKey, parent: Values
) -> Iterator[tuple[str, str]]:
    """The attacker's own row deleted, and its key changed, where the reference follows."""
    held, where = caller.privileges(subject.model, target.table), identify(target.table, parent)
    if key.on_delete in _FOLLOWS and held.may("delete"):
        yield f"delete from {target.table.sql} where {where}", f"on delete {_FOLLOWS[key.on_delete]}"
    for name in key.target_columns:
        column = target.table.columns[name]
        if key.on_update not in _FOLLOWS or name == target.column or column.filled_by_server:
            continue
        if name in held.columns.get("update", frozenset()):
            value = literal(first_value(target.table.qualified, column, ATTACKER, 9))
            yield f"update {target.table.sql} set {column.sql} = {value} where {where}", "on update cascade"


def _finding(caller: Caller, table: TableModel, key: ForeignKey, follows: str, evidence: Evidence) -> Finding:
    name = table.table.qualified
    return Finding(
        rule="cascade_crosses_tenants",
        message=f"{follows} of {key.name} lets {caller.role.name} change rows of {name} that are another tenant's",
        category="RI-02",
        verdict=LEAK,
        object=name,
        detail=f"The reference does not compare the tenant, so a row of one can hang on a row of another. "
        f"{NEEDS_PARAMETERS}",
        hint="Repeat the tenant column in the foreign key and in the key it references; on delete restrict alone stops "
        "the delete.",
        evidence=evidence,
    )


def _on_purpose(table: TableModel, key: ForeignKey) -> Finding:
    name = table.table.qualified
    return Finding(
        rule="reference_may_cross_tenants",
        message=f"{key.name} of {name} leads to rows of other tenants and is taken to mean it",
        severity=Severity.WARNING,
        category="RI-01",
        object=name,
        detail="It is listed in crossing, or it restricts deletes and rows of the given database cross already.",
        hint="Where that is not meant, repeat the tenant column in the foreign key.",
    )

"""FLOW-03, SIDE-05: triggers fired by an own row that carries another tenant's keys.

A trigger runs in the attacker's write. Where it works with more rights than the attacker and finds rows by something
that is only unique within a tenant, the write changes the victim's rows, or an error text of it tells their values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.effects import Effects
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.checks.subject import NEEDS_PARAMETERS
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import AS_REPLICA, as_replica
from dbkit.leak.rows import ATTACKER, VICTIM, Values, identify, insert_statement
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import TableModel
from dbkit.tenancy.relations import Column, Table, literal

__all__ = ["check_triggers", "firing_statements"]

_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_FIGURES = ("int2", "int4", "int8", "numeric", "float4", "float8")
# What a trigger's body looks at of the row that is written.
_OF_ROW = re.compile(r"\bnew\s*\.\s*\"?(\w+)", re.IGNORECASE)


def check_triggers(stand: Stand, effects: Effects, routines: Routines) -> Iterator[Finding]:
    """Fire every trigger of the tables the role may write, with own rows that share keys with the victim's."""
    fired: dict[str, list[Routine]] = {}
    for routine in routines.attacked:
        for name in routines.triggers.get(routine.oid, ()):
            fired.setdefault(name, []).append(routine)
    for name, functions in fired.items():
        # With the writer's own rights a trigger finds what policies show the writer, and no more.
        more_rights = any(each.definer for function in functions for each in routines.reached(function))
        if name in stand.protected and more_rights:
            stand.renew()
            finding = _fire(stand, effects, name, functions, routines)
            if finding is not None:
                yield finding


def _fire(stand: Stand, effects: Effects, name: str, functions: list[Routine], routines: Routines) -> Finding | None:
    aligned = _aligned(stand)
    shots = [_Shot(statement) for statement in firing_statements(stand, name)]
    shots += [_Shot(statement) for statement in _looked_at(stand, name, functions, routines)]
    shots += [_Shot(statement, aligned.sql) for statement in firing_statements(stand, name, aligned=aligned.values)]
    for shot in shots:
        outcome = stand.run(shot.statement, shot.before)
        witness = stand.shown(outcome, shot.statement)
        if witness and outcome.refused and _told_by_trigger(outcome.context):
            return _finding(stand, name, functions, shot, f"the error text shows {witness}", "trigger_error_tells")
        if outcome.refused:
            continue
        written = effects.written()
        if written and not _without_triggers(stand, effects, shot):
            return _finding(stand, name, functions, shot, written, "trigger_writes_foreign_rows")
    for table, turned in _turned(stand, functions, routines):
        for statement in firing_statements(stand, name, aligned=aligned.values):
            shot = _Shot(statement, (*aligned.sql, *turned))
            written = _turned_back(stand, effects, shot, table)
            if written and not _turned_back(stand, effects, _Shot(statement, (*shot.before, AS_REPLICA)), table):
                return _finding(stand, name, functions, shot, written, "trigger_writes_foreign_rows")
    return None


def _looked_at(stand: Stand, name: str, functions: list[Routine], routines: Routines) -> Iterator[str]:
    """An own row with just those of the victim's values that the triggers look at.

    What a row does not bring itself is what an error text may tell of another that has the same values.
    """
    table, rows = stand.scope.tables[name], stand.population.tables[name]
    spare, victim = rows.spares.get(ATTACKER), rows.rows.get(VICTIM)
    if spare is None or victim is None or not stand.model.relations.privileges[stand.role.name, name].may("insert"):
        return
    text = " ".join(each.facts.text for function in functions for each in routines.reached(function))
    looked_at = {word.lower() for word in _OF_ROW.findall(text)}
    borrowed = next(_borrowed(stand, table, spare, victim), {})
    same = {column: value for column, value in borrowed.items() if column in looked_at and column in spare}
    for left in [None, *same] if len(same) > 1 else []:
        yield insert_statement(table.table, {**spare, **{k: v for k, v in same.items() if k != left}})


def _turned(stand: Stand, functions: list[Routine], routines: Routines) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Tables the triggers name, with the victim's flags, times and states there turned round.

    A trigger that marks rows as paid has marked the victim's when they were made; what it does again shows only then.
    """
    reached = [each for function in functions for each in routines.reached(function)]
    words = {word for each in reached for word in re.findall(r"\w+", each.facts.text)}
    named = {table for function in functions for table in routines.tables(function, stand.model.relations)}
    for name in sorted(named & stand.victims.keys()):
        table = stand.protected[name].table
        columns = [c for c in table.columns.values() if c.name in words and c.name not in table.primary_key]
        pairs = [f"{c.sql} = {value}" for c in columns if not c.generated and (value := _other_value(table, c))]
        if pairs:
            yield name, as_replica(f"update {table.sql} set {', '.join(pairs)} where {stand.victims[name]}")


def _other_value(table: Table, column: Column) -> str | None:
    """An expression that turns a flag, a time or a state into another one."""
    if column.base == "bool":
        return f"not coalesce({column.sql}, false)"
    if column.base in ("timestamptz", "timestamp", "date"):
        return f"case when {column.sql} is null then '2000-01-01' {'' if column.nullable else 'else now() '}end"
    words = list(column.labels)
    for check in table.checks:
        words += _LITERAL.findall(check.expression) if check.columns == (column.name,) else []
    if len(words) < 2:
        return None
    first, second = (f"{literal(word)}::{column.type}" for word in words[:2])
    return f"case when {column.sql} = {first} then {second} else {first} end"


def _turned_back(stand: Stand, effects: Effects, shot: _Shot, name: str) -> str | None:
    """How the victim's rows of a table are other after the write than the preparation alone leaves them."""
    if stand.run(shot.statement, shot.before).refused:
        return None
    after = effects.victims_rows(name)
    stand.run("select 1", shot.before)
    changed = after - effects.victims_rows(name)
    return f"a row of the victim in {name} became {next(iter(changed))}" if changed else None


@dataclass(frozen=True)
class _Shot:
    """A write of the attacker, and what the administrator does before it."""

    statement: str
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Alignment:
    """What makes the attacker's rows carry the victim's numbers and codes, as each tenant's may.

    Attributes:
        sql: run by the administrator.
        values: table -> columns of own rows and the values they then have.
    """

    sql: tuple[str, ...]
    values: dict[str, Values]


def _aligned(stand: Stand) -> _Alignment:
    """Own rows with the victim's values in every key that is unique within a tenant only."""
    values: dict[str, Values] = {}
    for name, table in stand.protected.items():
        rows = stand.population.tables[name].rows
        for unique in table.table.uniques:
            columns = [column for column in unique.columns if column and column != table.column]
            if table.column not in unique.columns or not columns or ATTACKER not in rows:
                continue
            for column in columns:
                if _given_by_people(table.table.columns[column]) and not _referencing(table, column):
                    values.setdefault(name, {})[column] = rows[VICTIM][column]
    for name, table in stand.protected.items():
        for key in table.table.foreign_keys:
            for column, target in zip(key.columns, key.target_columns, strict=True):
                if target in values.get(key.target, {}):
                    values.setdefault(name, {})[column] = values[key.target][target]
    sql = []
    for name, changed in values.items():
        table = stand.protected[name]
        pairs = ", ".join(f"{table.table.columns[c].sql} = {literal(v)}" for c, v in changed.items())
        own = stand.population.tables[name].rows[ATTACKER]
        sql.append(f"update {table.table.sql} set {pairs} where {identify(table.table, own)}")
    return _Alignment(as_replica(*sql), values)


def _given_by_people(column: Column) -> bool:
    """A number or code that two tenants may both choose, and none that the server makes."""
    made = column.identity or column.generated or "nextval(" in (column.default or "")
    return column.base != "uuid" and not made


def _referencing(table: TableModel, column: str) -> bool:
    return any(column in key.columns for key in table.table.foreign_keys)


def _told_by_trigger(context: str) -> bool:
    return "PL/pgSQL function" in context or "SQL function" in context or "SQL statement" in context


def _without_triggers(stand: Stand, effects: Effects, shot: _Shot) -> bool:
    """Whether the victim's rows change even when no trigger is fired: then it is not the trigger's doing."""
    outcome = stand.run(shot.statement, (*shot.before, AS_REPLICA))
    return not outcome.refused and effects.written() is not None


def _finding(stand: Stand, name: str, functions: list[Routine], shot: _Shot, witness: str, rule: str) -> Finding:
    writes = rule == "trigger_writes_foreign_rows"
    names = ", ".join(function.signature for function in functions)
    does = "changes another tenant's rows" if writes else "is told another tenant's values"
    return Finding(
        rule=rule,
        message=f"{stand.role.name} {does} by a trigger when it writes an own row of {name}",
        category="FLOW-03" if writes else "SIDE-05",
        verdict=LEAK,
        object=functions[0].qualified if len(functions) == 1 else name,
        detail=f"Triggers of {name}: {names}. {NEEDS_PARAMETERS}",
        hint="Let the trigger find rows by the tenant column too."
        if writes
        else "Let the error name nothing but the caller's own values.",
        evidence=Evidence(
            stand.paste(shot.statement, prepare=shot.before), witness, "without triggers the same statement does not"
        ),
    )


def firing_statements(
    stand: Stand, name: str, slot: str = ATTACKER, aligned: Mapping[str, Values] | None = None
) -> Iterator[str]:
    """Writes of own rows that fire the triggers of a table, plain ones first, then with the victim's keys in them.

    Args:
        slot: whose own rows; the victim's writes are the plain ones only.
        aligned: values that columns of own rows have been given; then only the plain writes are made.
    """
    table = stand.scope.tables.get(name)
    if table is None:
        return  # an INSTEAD OF trigger: the view itself is attacked
    rows = stand.population.tables.get(name)
    if rows is None or slot not in rows.rows:
        return
    privileges = stand.model.relations.privileges[stand.role.name, name]
    own, victim, spare = rows.rows[slot], rows.rows.get(VICTIM, {}), rows.spares.get(slot)
    if aligned is not None:
        changed = aligned.get(name, {})
        references = {k: v for k, v in changed.items() if _referencing(table, k)}
        own, spare = {**own, **changed}, None if spare is None else {**spare, **references}
    where = identify(table.table, own)
    borrowed = list(_borrowed(stand, table, own, victim)) if slot == ATTACKER and aligned is None else []
    if spare is not None and privileges.may("insert"):
        given = {column: value for column, value in spare.items() if not table.table.columns[column].generated}
        yield insert_statement(table.table, given)
        if aligned is not None and (counting := _counting(table, given)):
            yield insert_statement(table.table, {**given, **counting})
        for values in borrowed:
            yield insert_statement(table.table, {**given, **{k: v for k, v in values.items() if k in given}})
    if privileges.may("update"):
        for values in [{}, *borrowed]:
            pairs = [f"{table.table.columns[column].sql} = {literal(value)}" for column, value in values.items()]
            if not pairs:
                column = table.table.columns[next(reversed(table.table.columns))]
                pairs = [f"{column.sql} = {column.sql}"]
            yield f"update {table.table.sql} set {', '.join(pairs)} where {where}"
    if privileges.may("delete"):
        yield f"delete from {table.table.sql} where {where}"


def _borrowed(stand: Stand, table: TableModel, own: Values, victim: Values) -> Iterator[Values]:
    """The victim's values for an own row: all that do not say whose row it is together, then one at a time."""
    fixed = {table.column, *stand.model.user_columns.get(table.table.qualified, ()), *_sole_key(table)}
    single: Values = {
        column: value
        for column, value in victim.items()
        if column not in fixed
        and value is not None
        and value != own.get(column)
        and not table.table.columns[column].generated
    }
    if single:
        yield single
    for column, value in single.items():
        yield {column: value}


def _counting(table: TableModel, given: Values) -> Values:
    """Figures other than zero, which a trigger that adds them up elsewhere would not be seen to add."""
    checked = {name for check in table.table.checks for name in check.columns}
    keys = {name for unique in table.table.uniques for name in unique.columns}
    return {
        column.name: "3"
        for column in table.table.columns.values()
        if column.base in _FIGURES
        and column.name not in checked | keys | {table.column}
        and not (column.generated or column.filled_by_server or _referencing(table, column.name))
        and given.get(column.name) in (None, "0")
    }


def _sole_key(table: TableModel) -> tuple[str, ...]:
    """A key that is unique for all tenants: two rows cannot share it."""
    key = table.table.primary_key
    return key if table.column not in key else ()

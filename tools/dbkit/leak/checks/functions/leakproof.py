"""SIDE-06: functions marked LEAKPROOF that are not: the planner lets them see rows before the policy hides them."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.stand import OPTIONS, Stand
from dbkit.leak.checks.subject import NEEDS_SQL
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import as_replica
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import TableModel
from dbkit.tenancy.relations import Column, Table, literal

__all__ = ["check_leakproof"]

# An attacker chooses the plan: without an index the function meets every row of the table.
_PLAN = (
    "set local enable_indexscan = off",
    "set local enable_bitmapscan = off",
    "set local enable_indexonlyscan = off",
)
# And which messages reach it: RAISE DEBUG is for whoever asks.
_LISTEN = "set local client_min_messages = debug1"
_ODD = "the victim's own words, ?!"
_CALLS = "select coalesce(sum(calls), 0) from pg_stat_xact_user_functions where funcid = {oid}"


def check_leakproof(stand: Stand, routines: Routines) -> Iterator[Finding]:
    """Ask protected tables through every leakproof function that the role may call."""
    for routine in routines.attacked:
        if not (routine.leakproof and routine.arguments and stand.role.name in routine.roles and routine.callable):
            continue
        stand.renew()
        found = _attack(stand, routines, routine)
        if found is not None:
            yield found


def _asked(stand: Stand, routines: Routines) -> Iterator[tuple[str, TableModel, Table]]:
    """Protected tables, each with itself or a view of it as the relation that the attacker asks."""
    for name, table in stand.readable:
        yield name, table, table.table
    for view, below in routines.views.items():
        relation = stand.model.relations.tables.get(view)
        protected = [name for name in below if name in stand.victims]
        if relation is None or relation.kind != "v" or not protected or view in stand.model.shared_views:
            continue
        if stand.model.relations.privileges[stand.role.name, view].may("select"):
            shown = stand.run(f"select * from {relation.sql}")
            if not shown.refused and stand.shown(shown, "") is None:
                yield protected[0], stand.protected[protected[0]], relation


def _attack(stand: Stand, routines: Routines, routine: Routine) -> Finding | None:
    saw: Finding | None = None
    for name, table, asked in _asked(stand, routines):
        # What is raised is about the first row it meets, which must not be one of the attacker's own.
        alone = (*as_replica(f"delete from {table.table.sql} where not ({stand.victims[name]})"), *_PLAN)
        for column, statement in _statements(routine, asked):
            prepare = _oddly(stand, name, table, column, alone)
            outcome = stand.run(statement, prepare)
            text = f"{outcome.message} {outcome.detail}"
            witness = stand.shown(outcome, statement) or (f"{_ODD!r}" if outcome.refused and _ODD in text else None)
            if witness:
                return _leak(stand, routine, statement, f"with no rows of its own, the error shows {witness}", prepare)
            outcome = stand.run_steps((*_PLAN, statement))
            witness = stand.shown(outcome, statement) or _noticed(stand, statement)
            if not witness and outcome.refused:
                witness = _only_with_victim(stand, name, table, statement)
            if witness:
                return _leak(stand, routine, statement, witness)
            if saw is None and _sees_hidden(stand, routine, asked, statement):
                saw = _suspected(routine, statement)
    return saw


def _oddly(stand: Stand, name: str, table: TableModel, column: Column, alone: tuple[str, ...]) -> tuple[str, ...]:
    """As `alone`, and the victim's rows hold a text that a function may refuse, where the column takes one."""
    stored = table.table.columns.get(column.name)
    if stored is None or column.base not in ("text", "varchar", "citext") or stored.generated:
        return alone
    odd = f"update {table.table.sql} set {column.sql} = {literal(_ODD)} where {stand.victims[name]}"
    oddly = (alone[0], odd, *alone[1:])
    return alone if stand.run("select 1", oddly).refused else oddly


def _statements(routine: Routine, table: Table) -> Iterator[tuple[Column, str]]:
    """The table filtered by the function, over each column its first argument takes."""
    first, *others = routine.arguments
    rest = "".join(f", {literal('1' if other.type.base != 'bool' else 'true')}::{other.type.sql}" for other in others)
    test = "" if routine.returns == "bool" else " is not null"
    for column in table.columns.values():
        if column.base == first.type.base or {column.base, first.type.base} <= {"text", "varchar"}:
            cast_to = f"::{first.type.sql}" if column.base != first.type.base else ""
            call = f"{routine.sql}({column.sql}{cast_to}{rest})"
            yield column, f"select count(*) from {table.sql} where {call}{test}"


def _noticed(stand: Stand, statement: str) -> str | None:
    """What messages tell: the connection of the attacks hides them, so the statement runs on one that does not."""
    import psycopg

    heard: list[str] = []
    with psycopg.connect(stand.conninfo, autocommit=True, options=OPTIONS) as connection:
        connection.add_notice_handler(lambda notice: heard.append(f"{notice.message_primary} {notice.message_detail}"))
        for text in (*stand.attacker.script, *_PLAN, _LISTEN, statement):
            if not text.startswith("--"):
                try:
                    connection.execute(text.encode())
                except psycopg.Error:
                    break
    for value, place in stand.secrets.items():
        if any(value in text for text in heard) and value not in statement:
            return f"a message shows {value!r} of {place}"
    return None


def _only_with_victim(stand: Stand, name: str, table: TableModel, statement: str) -> str | None:
    """An error that goes away with the victim's rows answers a question about them."""
    remove = (*as_replica(f"delete from {table.table.sql} where {stand.victims[name]}"), *_PLAN)
    without = stand.run(statement, remove)
    if without.refused:
        return None
    return "it is refused, and without the victim's rows it is not: the function was run on rows the policy hides"


def _sees_hidden(stand: Stand, routine: Routine, table: Table, statement: str) -> bool:
    """Whether the function is called for more rows than the role may see."""
    session = stand.attacker.session
    visible = stand.run(f"select count(*) from {table.sql}")
    session.run("rollback to savepoint attack", "reset session authorization", "set local track_functions = 'all'")
    session.run(stand.attacker.become.replace("set", "set local", 1))
    before = session.run("reset session authorization", _CALLS.format(oid=routine.oid))
    session.run(stand.attacker.become.replace("set", "set local", 1))
    session.run(*_PLAN, statement)
    after = session.run("reset session authorization", _CALLS.format(oid=routine.oid))
    if not (visible.rows and before.rows and after.rows):
        return False
    return int(after.rows[0][0] or 0) - int(before.rows[0][0] or 0) > int(visible.rows[0][0] or 0)


def _leak(stand: Stand, routine: Routine, statement: str, witness: str, prepare: tuple[str, ...] = _PLAN) -> Finding:
    control = "not leakproof, it is run on the own rows only"
    return Finding(
        rule="leakproof_function_leaks",
        message=f"{routine.signature} is marked LEAKPROOF and tells {stand.role.name} about rows that policies hide",
        category="SIDE-06",
        verdict=LEAK,
        object=routine.qualified,
        detail=f"The planner runs leakproof functions before the policy. {NEEDS_SQL}",
        hint=f"Run: alter function {routine.sql} not leakproof;",
        evidence=Evidence(stand.paste(statement, prepare=prepare), witness, control),
    )


def _suspected(routine: Routine, statement: str) -> Finding:
    return Finding(
        rule="leakproof_function_sees_hidden_rows",
        message=f"{routine.signature} is marked LEAKPROOF and is run on rows that policies hide",
        severity=Severity.WARNING,
        category="SIDE-06",
        object=routine.qualified,
        detail=f"Not shown: nothing of them came out of it. {statement} calls it more often than rows are visible.",
        hint=f"Unless its result, errors and messages never depend on its arguments, run: "
        f"alter function {routine.sql} not leakproof;",
    )

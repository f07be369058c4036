"""OBJ-01, OBJ-02, SIDE-06: views that write past their filter, that depend on other tenants, or that can be overheard.

A view with its owner's rights stands where a policy stands, but nothing checks new rows against its WHERE unless it
says WITH CHECK OPTION, and nothing keeps a cheap function of the caller's behind it unless it is a security barrier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, NEEDS_SQL, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.observation import belongings, distinctive_values, readable, reads, shown_value
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, VICTIM, Population, Values, delete_statements
from dbkit.leak.session import Outcome
from dbkit.leak.shapes import Shape, assigned, shapes
from dbkit.leak.values import marker
from dbkit.leak.viewcolumns import Source, read_definitions, view_sources, whole_definition
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import Kind, Model, TableModel
from dbkit.tenancy.relations import Privileges, Table, literal

__all__ = ["check_views"]

# A function of the attacker's own that costs nothing is asked before the view's filter; so is a cast that fails.
_NO_INDEX = ("set local enable_indexscan = off", "set local enable_bitmapscan = off")
_LISTEN = (
    *_NO_INDEX,
    "create temporary table dbkit_heard (value text)",
    "create function pg_temp.dbkit_listen(value anyelement) returns boolean language plpgsql cost 0.0000001 as "
    "$$ begin insert into pg_temp.dbkit_heard values (value::text); return true; end $$",
)
_HEARD = "select distinct value from pg_temp.dbkit_heard where value is not null"
_BARRIER = "select 'security_barrier=true' = any (reloptions) from pg_class where oid = {oid}"


def check_views(subject: Subject) -> Iterator[Finding]:
    values = distinctive_values(subject.model, subject.population, protected=True)
    definitions = read_definitions(subject.session, subject.model.relations)
    for caller in callers(subject.model):
        yield from _check_dependence(subject, caller)
        for view in subject.model.relations.tables.values():
            if view.kind != "v":
                continue
            held = caller.privileges(subject.model, view)
            if held.may("select"):
                yield from _check_filter(subject, caller, view, held, values)
            if held.may("insert") or held.may("update") or held.may("delete"):
                definition = whole_definition(view.qualified, definitions)
                yield from _check_writes(subject, caller, view, held, definition)


# What changes in it when the other tenant is gone


def _check_dependence(subject: Subject, caller: Caller) -> Iterator[Finding]:
    """Every view read twice, with the victim's rows there and taken away; one deletion serves all of them."""
    model, population = subject.model, subject.population
    relations = model.relations.tables
    names = [name for name, table in relations.items() if table.kind in ("v", "m") and name not in model.shared_views]
    values = distinctive_values(model, population)
    foreign = [value for value, slots in values.items() if VICTIM in slots]
    with Exchange(subject.session, model, population, caller) as exchange:
        views = readable(exchange, model, [relations[name] for name in names])
        before = reads(exchange, model, ATTACKER, views)
        again = reads(exchange, model, ATTACKER, views)
        exchange.admin(*_without_victim(model, population))
        for name in names:
            if relations[name].kind == "m":
                exchange.admin(f"refresh materialized view {relations[name].sql}")
        after = reads(exchange, model, ATTACKER, views)
        sql = exchange.sql
    for view in views:
        name = view.qualified
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old != again.get(name) or old == new:
            continue
        gone = list((old - new).elements())
        if shown_value(Outcome(rows=tuple(gone)), foreign):
            continue  # recognisable rows are the attack's on the view itself
        yield _dependent(view, caller, gone, sum(old.values()) > sum(new.values()), f"{sql}\nselect * from {view.sql};")


def _without_victim(model: Model, population: Population) -> list[str]:
    owned = {name for scope in model.scopes for name, table in scope.tables.items() if table.owned}
    statements = []
    for name in owned & population.tables.keys():
        rows = population.tables[name].rows
        theirs = [row for slot, row in rows.items() if slot[0] == VICTIM[0]]
        statements += delete_statements(model.relations.tables[name], theirs)
    return statements


def _dependent(view: Table, caller: Caller, gone: list[tuple[str | None, ...]], vanished: bool, sql: str) -> Finding:
    what = "has rows that are there for another tenant alone" if vanished else "counts every tenant's rows together"
    shown = gone[0] if gone else "fewer rows"
    return Finding(
        rule="view_shows_other_tenants",
        message=f"{view.qualified}, which {caller.role.name} reads, {what}",
        severity=Severity.ERROR if vanished else Severity.WARNING,
        category="OBJ-02" if view.kind == "m" else "OBJ-01",
        verdict=LEAK if vanished else None,
        object=view.qualified,
        detail=f"A figure over a group that is one tenant is that tenant's figure. {NEEDS_PARAMETERS}",
        hint="Filter by tenant, or leave groups of few tenants out: having count(distinct tenant) >= 5.",
        evidence=Evidence(
            sql,
            f"only with the other tenant's rows there is {shown}",
            "the same query, in the same context, after the administrator took the other tenant's rows away",
        ),
    )


# The filter


def _check_filter(
    subject: Subject, caller: Caller, view: Table, held: Privileges, values: Mapping[str, frozenset[str]]
) -> Iterator[Finding]:
    """Rows that the view leaves out, overheard by a function in the caller's WHERE or told by a failing cast."""
    barrier = subject.session.must(_BARRIER.format(oid=view.oid)).rows[0][0]
    if barrier == "t":
        return
    columns = [column for name, column in view.columns.items() if name in held.columns["select"]]
    foreign = [value for value, slots in values.items() if VICTIM in slots]
    own = [value for value, slots in values.items() if ATTACKER in slots]
    heard = " and ".join(f"pg_temp.dbkit_listen({column.sql})" for column in columns)
    attacks: list[tuple[str, ...]] = [(*_LISTEN, f"select count(*) from {view.sql} where {heard}", _HEARD)]
    attacks += [
        (*_NO_INDEX, f"select count(*) from {view.sql} where {column.sql}::text::integer = 0")
        for column in columns
        if column.base in ("text", "varchar", "bpchar", "citext", "uuid")
    ]
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        with exchange.trial():
            plain = exchange.act(ATTACKER, f"select * from {view.sql}")
        if plain.refused or shown_value(plain, foreign):
            return  # refused, or read without any trick: the attack on the view says so
        for statements in attacks:
            with exchange.trial():
                outcome = exchange.act(ATTACKER, *statements)
                shown = exchange.sql
            value = shown_value(outcome, foreign)
            if value is not None:
                control = f"select * from {view.sql}; -- {plain}, none of them the other tenant's"
                if statements[-1] == _HEARD:
                    control += f"; own value heard: {shown_value(outcome, own)}"
                yield _unguarded(
                    view, caller, Evidence(shown, f"a value of a row the view leaves out: {value}", control)
                )
                return


def _unguarded(view: Table, caller: Caller, evidence: Evidence) -> Finding:
    return Finding(
        rule="view_without_barrier",
        message=f"{view.qualified} filters by tenant without security_barrier, and {caller.role.name} sees the rows "
        "before the filter",
        category="SIDE-06",
        verdict=LEAK,
        object=view.qualified,
        detail=f"A function or cast in the caller's WHERE is cheaper than the filter and is asked first. {NEEDS_SQL}",
        hint=f"Run: alter view {view.sql} set (security_barrier = true);",
        evidence=evidence,
    )


# Writing through it


@dataclass(frozen=True)
class _Write:
    """One statement through a view, with the same on the own rows, and what the administrator does before it."""

    name: str
    attack: str
    control: str | None
    prepare: tuple[str, ...] = ()


def _check_writes(
    subject: Subject, caller: Caller, view: Table, held: Privileges, definition: str
) -> Iterator[Finding]:
    sources = view_sources(subject.session, subject.model.relations, view)
    tables = {
        source.table.qualified: caller.scope.tables[source.table.qualified]
        for source in sources.values()
        if source.table.qualified in caller.scope.tables
    }
    for table in tables.values():
        rows = subject.population.tables.get(table.table.qualified)
        if not table.protected or rows is None or not {ATTACKER, VICTIM} <= set(rows.rows):
            continue
        # Rows that its filter leaves out cannot be written through it: then they are given what it asks.
        for shape in ({}, *shapes(definition, table.table)):
            for write in _writes(subject, view, held, table, sources, shape):
                finding = _try_write(subject, caller, view, tables.values(), write)
                if finding is not None:
                    yield finding
                    return


def _try_write(
    subject: Subject, caller: Caller, view: Table, tables: Iterable[TableModel], write: _Write
) -> Finding | None:
    watched = list(tables)
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        if write.prepare and exchange.admin(*write.prepare).refused:
            return None
        before = belongings(exchange, subject.model, subject.population, watched)
        with exchange.trial():
            outcome = exchange.act(ATTACKER, write.attack)
            shown = exchange.sql
            after = belongings(exchange, subject.model, subject.population, watched)
        if outcome.refused or before == after:
            return None
        control: Outcome | None = None
        if write.control is not None:
            with exchange.trial():
                control = exchange.act(ATTACKER, write.control)
    changed = sorted(after - before) or sorted(before - after)
    return Finding(
        rule="view_writes_past_filter",
        message=f"through {view.qualified} {caller.role.name} writes the other tenant's rows: {write.name}",
        category="OBJ-01",
        verdict=LEAK,
        object=view.qualified,
        detail=f"Nothing compares the new row with the view's filter or the caller's tenant. {NEEDS_PARAMETERS}",
        hint="Create the view with security_invoker, or end it in WITH CHECK OPTION; let an INSTEAD OF trigger compare "
        "the tenant with the context.",
        evidence=Evidence(
            shown,
            f"of the victim's rows {'changed or came' if after - before else 'went'}: {changed[0]}",
            f"{write.control}; -- on the own rows: {control}" if write.control else f"the attack gave: {outcome}",
        ),
    )


def _writes(
    subject: Subject, view: Table, held: Privileges, table: TableModel, sources: dict[str, Source], shape: Shape
) -> Iterator[_Write]:
    catalog = table.table
    rows = subject.population.tables[catalog.qualified]
    columns = {name: source.column for name, source in sources.items() if source.table is catalog}
    prepare = as_replica(f"update {catalog.sql} set {assigned(catalog, shape)}") if shape else ()
    if held.may("insert") and {ATTACKER, VICTIM} <= set(rows.spares):
        theirs, mine = (_through(columns, held, rows.spares[slot], shape) for slot in (VICTIM, ATTACKER))
        yield _Write("a new row of theirs", _insert(view, theirs), _insert(view, mine), prepare)
    if held.may("update"):
        yield from (replace(write, prepare=prepare) for write in _updates(subject, view, held, table, columns))
    if held.may("delete"):
        yield _Write("every row deleted", f"delete from {view.sql}", None, prepare)


def _updates(
    subject: Subject, view: Table, held: Privileges, table: TableModel, columns: dict[str, str]
) -> Iterator[_Write]:
    catalog, identities = table.table, subject.population.identities
    updatable = {name: column for name, column in columns.items() if name in held.columns.get("update", frozenset())}
    for name, column in updatable.items():
        if column == table.column and table.kind in (Kind.TENANT, Kind.USER):
            by_user = table.kind is Kind.USER
            mine, theirs = (
                identities[slot].user if by_user else identities[slot].tenant for slot in (ATTACKER, VICTIM)
            )
            target = view.columns[name].sql
            yield _Write("own rows moved to them", f"update {view.sql} set {target} = {literal(theirs)}", None)
            yield _Write("their rows taken over", f"update {view.sql} set {target} = {literal(mine)}", None)
    plain = [
        name
        for name, column in updatable.items()
        if column != table.column
        and catalog.columns[column].base in ("text", "varchar")
        and not any(column in check.columns for check in catalog.checks)
        and not any(column in unique.columns for unique in catalog.uniques)
        and not any(column in key.columns for key in catalog.foreign_keys)
    ]
    for name in plain[:1]:
        text = marker(view.qualified, name, ATTACKER, 0)[: catalog.columns[columns[name]].length]
        yield _Write("every row changed", f"update {view.sql} set {view.columns[name].sql} = {literal(text)}", None)


def _through(columns: dict[str, str], held: Privileges, row: Values, shape: Shape) -> dict[str, str]:
    """A row of the table as the view takes it: its column -> the SQL of the value."""
    insertable = held.columns.get("insert", frozenset())
    values = {**{column: literal(value) for column, value in row.items()}, **shape}
    return {name: values[column] for name, column in columns.items() if column in values and name in insertable}


def _insert(view: Table, values: Mapping[str, str]) -> str:
    names = ", ".join(view.columns[name].sql for name in values)
    return f"insert into {view.sql} ({names}) values ({', '.join(values.values())})"

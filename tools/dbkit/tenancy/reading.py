"""Read from a database what the tenancy model needs: tables, keys, checks, policies, and what each app role may do.

Only effective privileges count (inherited membership, PUBLIC, column grants), so every question about a grant is put
to the server (`has_column_privilege` and its kin) and never worked out from ACLs here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dbkit.tenancy.relations import (
    Check,
    Column,
    ForeignKey,
    Policy,
    Privileges,
    Relations,
    Role,
    Table,
    UniqueKey,
)

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["read_privileges", "read_relations"]

_VISIBLE_SCHEMA = "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'"
_NOT_OF_EXTENSION = """not exists (
    select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"""

_TABLES = f"""
select c.oid::bigint, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text,
    pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
    array(select pn.nspname || '.' || p.relname from pg_inherits i
          join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
          where i.inhrelid = c.oid),
    {_NOT_OF_EXTENSION}
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and {_VISIBLE_SCHEMA}
order by n.nspname, c.relname
"""

_COLUMNS = f"""
with recursive domain_chain (type_oid, base_oid, typmod, not_null, path) as (
    select t.oid, t.typbasetype, t.typtypmod, t.typnotnull, array[t.typnamespace::regnamespace || '.' || t.typname]
    from pg_type t where t.typtype = 'd'
    union all
    select chain.type_oid, t.typbasetype, greatest(chain.typmod, t.typtypmod), chain.not_null or t.typnotnull,
        chain.path || (t.typnamespace::regnamespace || '.' || t.typname)
    from domain_chain chain join pg_type t on t.oid = chain.base_oid and t.typtype = 'd'
), resolved as (
    select type_oid, base_oid, typmod, not_null, path
    from domain_chain chain
    where not exists (select from pg_type t where t.oid = chain.base_oid and t.typtype = 'd')
)
select n.nspname || '.' || c.relname, a.attname, quote_ident(a.attname), a.attnum,
    format_type(a.atttypid, a.atttypmod), b.typname, b.typtype::text,
    not (a.attnotnull or coalesce(r.not_null, false)),
    pg_get_expr(ad.adbin, ad.adrelid), a.attidentity::text, a.attgenerated <> '',
    case when b.typname in ('varchar', 'bpchar') then nullif(greatest(a.atttypmod, coalesce(r.typmod, -1)), -1) - 4 end,
    coalesce(r.path, '{{}}'),
    array(select e.enumlabel::text from pg_enum e where e.enumtypid = b.oid order by e.enumsortorder)
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
left join resolved r on r.type_oid = a.atttypid
join pg_type b on b.oid = coalesce(r.base_oid, a.atttypid)
left join pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f') and {_VISIBLE_SCHEMA}
order by 1, a.attnum
"""

_FOREIGN_KEYS = """
select conrelid::bigint, conname, confrelid::bigint,
    array(select a.attname::text from unnest(conkey) with ordinality k (n, i)
          join pg_attribute a on a.attrelid = conrelid and a.attnum = k.n order by k.i),
    array(select a.attname::text from unnest(confkey) with ordinality k (n, i)
          join pg_attribute a on a.attrelid = confrelid and a.attnum = k.n order by k.i),
    confdeltype::text, confupdtype::text, coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
from pg_constraint c where contype = 'f' order by conname
"""

_UNIQUES = """
select i.indrelid::bigint, c.relname, i.indisprimary, i.indpred is not null, i.indisexclusion,
    array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k (n, p)
          left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n and k.n > 0 order by k.p)
from pg_index i join pg_class c on c.oid = i.indexrelid
where (i.indisunique or i.indisexclusion) order by c.relname
"""

_CHECKS = """
select conrelid::bigint, coalesce(contypid::regtype::text, ''),
    (select t.typnamespace::regnamespace || '.' || t.typname from pg_type t where t.oid = contypid),
    conname, pg_get_expr(conbin, conrelid),
    array(select a.attname::text from unnest(conkey) k (n)
          join pg_attribute a on a.attrelid = conrelid and a.attnum = k.n)
from pg_constraint where contype = 'c' order by conname
"""

_POLICIES = """
select polrelid::bigint, polname, polcmd::text, polpermissive,
    array(select case when r = 0 then 'public' else pg_get_userbyid(r)::text end from unnest(polroles) r),
    pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
from pg_policy order by polname
"""

# Before 16 membership is one thing; since then SET ROLE and inheritance are granted apart.
_ROLES = """
select r.rolname, quote_ident(r.rolname), r.rolsuper, r.rolbypassrls, r.rolcanlogin, r.rolcreaterole,
    r.rolreplication,
    array(select o.rolname::text from pg_roles o
          where o.oid <> r.oid and not r.rolsuper and ({test}) order by o.rolname)
from pg_roles r
"""

# Strongest last: of all databases and roles, of the database, of the role, of the role in the database.
_ROLE_SETTINGS = """
select s.setrole = 0, coalesce(pg_get_userbyid(s.setrole)::text, ''), c.setting
from pg_db_role_setting s cross join unnest(s.setconfig) c (setting)
where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
order by s.setrole <> 0, s.setdatabase <> 0
"""

_SETTINGS = f"""
select distinct lower(m[1]) from (
    select pg_get_expr(polqual, polrelid) from pg_policy
    union all select pg_get_expr(polwithcheck, polrelid) from pg_policy
    union all select p.prosrc from pg_proc p join pg_namespace n on n.oid = p.pronamespace where {_VISIBLE_SCHEMA}
    union all select pg_get_functiondef(p.oid) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where {_VISIBLE_SCHEMA} and p.prosqlbody is not null
    union all select pg_get_viewdef(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'v' and {_VISIBLE_SCHEMA}
) texts (body),
    regexp_matches(body, '(?:current_setting|set_config)\\s*\\(\\s*''([a-z_][a-z0-9_$]*\\.[a-z0-9_.$]+)''', 'gi') m
order by 1
"""

_FUNCTIONS = f"""
select distinct n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where {_VISIBLE_SCHEMA}
"""

_SOURCES = f"""
select n.nspname || '.' || p.proname,
    string_agg(case when p.prosqlbody is null then p.prosrc else pg_get_functiondef(p.oid) end, e'\\n'),
    bool_and(p.pronargs = 0 and not p.proretset)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prokind in ('f', 'p') and {_VISIBLE_SCHEMA}
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
group by 1
"""

_PARAMETERS = f"""
select n.nspname || '.' || p.proname,
    array(select coalesce(a.name, '') from unnest(p.proargnames) with ordinality a (name, i)
          where p.proargmodes is null or p.proargmodes[a.i] in ('i', 'b', 'v') order by a.i)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.pronargs > 0 and p.proargnames is not null and {_VISIBLE_SCHEMA}
order by p.oid
"""

_PRIVILEGES = """
select r.name, t.oid::bigint,
    case when has_schema_privilege(r.name, c.relnamespace, 'usage') then
        array(select p from unnest(%s::text[]) p
              where has_table_privilege(r.name, t.oid, p))
    else '{}' end,
    case when has_schema_privilege(r.name, c.relnamespace, 'usage') then
        (select coalesce(json_object_agg(p, names), '{}') from (
            select p, json_agg(a.attname) as names
            from unnest(array['select', 'insert', 'update', 'references']) p, pg_attribute a
            where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
              and has_column_privilege(r.name, t.oid, a.attnum, p)
            group by p) held)
    else '{}' end
from unnest(%s::text[]) r (name), unnest(%s::oid[]) t (oid) join pg_class c on c.oid = t.oid
"""

_TABLE_PRIVILEGES = ("select", "insert", "update", "delete", "truncate", "trigger", "references")
_COMMANDS = {"*": "all", "r": "select", "a": "insert", "w": "update", "d": "delete"}


def read_relations(connection: Connection[Any], app_roles: Sequence[str] = ()) -> Relations:
    """Read the catalog.

    Args:
        connection: any connection that may read the catalog; nothing is written.
        app_roles: roles whose effective privileges are wanted; those that do not exist are passed over, so that the
            model can complain about them by name.
    """
    relations = Relations(
        server_version=connection.info.parameter_status("server_version") or "",
        server_version_num=connection.info.server_version,
    )
    _read_roles(connection, relations)
    by_oid = _read_tables(connection, relations)
    _read_columns(connection, relations)
    _read_constraints(connection, relations, by_oid)
    relations.settings = tuple(row[0] for row in connection.execute(_SETTINGS).fetchall())
    relations.functions = frozenset(row[0] for row in connection.execute(_FUNCTIONS).fetchall())
    for name, source, is_helper in connection.execute(_SOURCES).fetchall():
        relations.sources[name] = source
        if is_helper:
            relations.helpers[name] = source
    for name, parameters in connection.execute(_PARAMETERS).fetchall():
        relations.parameters[name] = (*relations.parameters.get(name, ()), tuple(parameters))
    read_privileges(connection, relations, app_roles)
    return relations


def read_privileges(connection: Connection[Any], relations: Relations, roles: Iterable[str]) -> None:
    """Add the effective privileges of `roles` to `relations`."""
    known = [role for role in roles if role in relations.roles]
    by_oid = {table.oid: table.qualified for table in relations.tables.values()}
    kinds = [*_TABLE_PRIVILEGES, *(["maintain"] if relations.server_version_num >= 170000 else [])]
    rows = connection.execute(_PRIVILEGES, (kinds, known, list(by_oid))).fetchall()
    for role, oid, held, columns in rows:
        parsed = columns if isinstance(columns, dict) else json.loads(columns)
        relations.privileges[role, by_oid[oid]] = Privileges(
            table=frozenset(held), columns={name: frozenset(names) for name, names in parsed.items()}
        )


def _read_roles(connection: Connection[Any], relations: Relations) -> None:
    test = "pg_has_role(r.oid, o.oid, 'member')"
    if relations.server_version_num >= 160000:
        test = "pg_has_role(r.oid, o.oid, 'set') or pg_has_role(r.oid, o.oid, 'usage')"
    defaults: dict[str, dict[str, str]] = {"": {}}
    for of_all, name, text in connection.execute(_ROLE_SETTINGS).fetchall():
        setting, _, value = text.partition("=")
        defaults.setdefault("" if of_all else name, {})[setting] = value
    for name, sql, *flags, may_become in connection.execute(_ROLES.format(test=test)).fetchall():
        superuser, bypass, login, create_role, replication = flags
        settings = {**defaults[""], **defaults.get(name, {})}
        relations.roles[name] = Role(
            name, sql, superuser, bypass, login, tuple(may_become), create_role, replication, settings
        )


def _read_tables(connection: Connection[Any], relations: Relations) -> dict[int, Table]:
    by_oid: dict[int, Table] = {}
    for oid, schema, name, sql, kind, owner, rls, forced, partition, parents, own in connection.execute(
        _TABLES
    ).fetchall():
        if not own:
            relations.extension_tables.append(f"{schema}.{name}")
            continue
        table = Table(oid, schema, name, sql, kind, owner, rls, forced, partition, tuple(parents))
        relations.tables[table.qualified] = by_oid[oid] = table
    return by_oid


def _read_columns(connection: Connection[Any], relations: Relations) -> None:
    rows: list[tuple[Any, ...]] = connection.execute(_COLUMNS).fetchall()
    for table_name, *facts in rows:
        table = relations.tables.get(table_name)
        if table is not None:
            facts[-2:] = [tuple(facts[-2]), tuple(facts[-1])]
            column = Column(*facts)
            table.columns[column.name] = column


def _read_constraints(connection: Connection[Any], relations: Relations, by_oid: dict[int, Table]) -> None:
    for oid, name, target, columns, target_columns, *rest in connection.execute(_FOREIGN_KEYS).fetchall():
        if oid in by_oid and target in by_oid:
            key = ForeignKey(name, tuple(columns), by_oid[target].qualified, tuple(target_columns), *rest)
            by_oid[oid].foreign_keys.append(key)
    for oid, name, primary, partial, exclusion, columns in connection.execute(_UNIQUES).fetchall():
        if oid in by_oid:
            by_oid[oid].uniques.append(UniqueKey(name, tuple(columns), primary, partial, exclusion))
    for oid, _, domain, name, expression, columns in connection.execute(_CHECKS).fetchall():
        check = Check(name, tuple(columns), expression)
        if domain:
            relations.domain_checks.setdefault(domain, []).append(check)
        elif oid in by_oid:
            by_oid[oid].checks.append(check)
    for oid, name, command, permissive, roles, using, check in connection.execute(_POLICIES).fetchall():
        if oid in by_oid:
            policy = Policy(name, _COMMANDS[command], permissive, tuple(roles), using, check)
            by_oid[oid].policies.append(policy)

"""The catalog queries of a snapshot: one constant a kind, column names equal to the fields of `model`.

They run with search_path = pg_catalog, so every definition comes out qualified. `%(schemas)s` is the array of schema
oids in the snapshot; database-wide objects (casts, publications, …) are read only when `%(everything)s`. `oid` and
`…_oid` columns tie rows together and do not reach the model.
"""

from __future__ import annotations

from dbkit.catalog.fragments import acl, column_names, function_name, own, relation_name, sorted_array

__all__ = [
    "COLUMNS",
    "CONSTRAINTS",
    "CRON_SOURCES",
    "DATABASE",
    "DEFAULT_PRIVILEGES",
    "DEPENDENCIES",
    "DOMAINS",
    "EXTENSIONS",
    "FUNCTIONS",
    "INDEXES",
    "MEMBERSHIPS",
    "POLICIES",
    "RELATIONS",
    "ROLES",
    "RULES",
    "SCHEMAS",
    "SEQUENCES",
    "SESSION",
    "STATISTICS",
    "TRIGGERS",
    "TYPES",
    "cron_rows",
]


# Everything that changes how PostgreSQL prints a definition is pinned for the transaction.
SESSION = """
select set_config(name, value, true)
from (values
    ('search_path', 'pg_catalog'), ('timezone', 'UTC'), ('datestyle', 'ISO, YMD'), ('intervalstyle', 'postgres'),
    ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('quote_all_identifiers', 'off'), ('xmloption', 'content'),
    ('standard_conforming_strings', 'on'), ('statement_timeout', '0'), ('row_security', 'on'), ('jit', 'off')
) as pinned(name, value)
"""

DATABASE = f"""
select d.datname as name, pg_get_userbyid(d.datdba) as owner, current_setting('server_version') as server_version,
    current_setting('server_version_num')::integer as server_version_num,
    pg_encoding_to_char(d.encoding) as encoding, d.datcollate as collation,
    {acl("d.datacl", "d", "d.datdba")} as acl, shobj_description(d.oid, 'pg_database') as comment,
    (select coalesce(jsonb_object_agg(coalesce(r.rolname, ''), to_jsonb(s.setconfig)), '{{}}')
        from pg_db_role_setting as s left join pg_roles as r on r.oid = s.setrole where s.setdatabase = d.oid)
        as settings
from pg_database as d
where d.datname = current_database()
"""

SCHEMAS = f"""
select n.oid, n.nspname as name, pg_get_userbyid(n.nspowner) as owner,
    {acl("n.nspacl", "n", "n.nspowner")} as acl, obj_description(n.oid, 'pg_namespace') as comment,
    not {own("pg_namespace", "n.oid")} as extension_owned
from pg_namespace as n
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by n.nspname
"""

RELATIONS = f"""
select c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as key, n.nspname as schema, c.relname as name,
    case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'f' then 'foreign table'
        when 'v' then 'view' else 'materialized view' end as kind,
    pg_get_userbyid(c.relowner) as owner, {acl("c.relacl", "r", "c.relowner")} as acl,
    obj_description(c.oid, 'pg_class') as comment,
    {
    sorted_array('''c.reloptions || array(
        select 'toast.' || entry from pg_class as t, unnest(t.reloptions) as entry where t.oid = c.reltoastrelid)''')
}
        as options,
    (select spcname from pg_tablespace as t where t.oid = c.reltablespace) as tablespace,
    (select amname from pg_am as am where am.oid = c.relam) as access_method,
    case c.relpersistence when 'p' then 'permanent' when 'u' then 'unlogged' else 'temporary' end as persistence,
    c.relrowsecurity as row_security, c.relforcerowsecurity as force_row_security,
    case c.relreplident when 'd' then 'default' when 'n' then 'nothing' when 'f' then 'full'
        else 'index ' || (select quote_ident(x.relname) from pg_index as i join pg_class as x on x.oid = i.indexrelid
            where i.indrelid = c.oid and i.indisreplident) end as replica_identity,
    case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as partition_key,
    pg_get_expr(c.relpartbound, c.oid) as partition_bound,
    array(select {relation_name("h.inhparent")} from pg_inherits as h where h.inhrelid = c.oid order by h.inhseqno)
        as inherits,
    case when c.reloftype <> 0 then format_type(c.reloftype, null) end as of_type,
    (select s.srvname from pg_foreign_table as f join pg_foreign_server as s on s.oid = f.ftserver
        where f.ftrelid = c.oid) as server,
    coalesce((select {sorted_array("f.ftoptions")} from pg_foreign_table as f where f.ftrelid = c.oid), '{{}}')
        as foreign_options,
    case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end as definition,
    c.relispopulated as populated
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where c.relnamespace = any(%(schemas)s) and c.relkind in ('r', 'p', 'f', 'v', 'm') and {own("pg_class", "c.oid")}
order by n.nspname, c.relname
"""

# Row types of tables are not listed by TYPES, so columns of composites ('c') attach to a type or to nothing.
COLUMNS = """
select a.attrelid as relation_oid, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
    a.attnotnull as not_null, pg_get_expr(d.adbin, d.adrelid) as default,
    case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' else '' end as generated,
    case a.attidentity when 'a' then 'always' when 'd' then 'by default' else '' end as identity,
    case when a.attcollation <> t.typcollation then (
        select quote_ident(n.nspname) || '.' || quote_ident(l.collname)
        from pg_collation as l join pg_namespace as n on n.oid = l.collnamespace where l.oid = a.attcollation)
        end as collation,
    case when a.attstorage <> t.typstorage then
        case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end
        end as storage,
    case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end as compression,
    nullif(a.attstattarget, -1) as statistics_target,
    a.attoptions as options, a.attfdwoptions as foreign_options,
    not a.attislocal as inherited, a.attacl::text[] as acl, pg_get_userbyid(c.relowner) as owner,
     col_description(a.attrelid, a.attnum) as comment,
    a.attnum as position, format_type(a.atttypid, null) as type_key
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid
join pg_type as t on t.oid = a.atttypid
left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relnamespace = any(%(schemas)s) and c.relkind in ('r', 'p', 'f', 'v', 'm', 'c')
    and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
"""

# A foreign key to a partitioned table has one more row for every partition referenced: those say nothing new.
CONSTRAINTS = f"""
select k.conrelid as relation_oid, k.contypid as domain_oid, k.conname as name,
    case k.contype when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key' when 'c' then 'check'
        when 'x' then 'exclusion' else 'not null' end as kind,
    pg_get_constraintdef(k.oid) as definition, k.convalidated as validated,
    not k.conislocal or k.conparentid <> 0 as inherited, obj_description(k.oid, 'pg_constraint') as comment,
    k.condeferrable as deferrable, k.condeferred as deferred,
    pg_get_constraintdef(k.oid) !~ ' NOT ENFORCED$' as enforced,
    {column_names("k.conrelid", "k.conkey")} as columns,
    case when k.contype = 'c' then pg_get_expr(k.conbin, k.conrelid) end as expression,
    case when k.contype = 'f' then {relation_name("k.confrelid")} end as references,
    {column_names("k.confrelid", "k.confkey")} as referenced_columns,
    case when k.contype = 'f' then
        case k.confdeltype when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
            when 'n' then 'set null' else 'set default' end end as on_delete,
    case when k.contype = 'f' then
        case k.confupdtype when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
            when 'n' then 'set null' else 'set default' end end as on_update,
    case when k.contype = 'f' then
        case k.confmatchtype when 'f' then 'full' when 'p' then 'partial' else 'simple' end end as match,
    case when k.contype in ('p', 'u', 'x') then (select x.relname from pg_class as x where x.oid = k.conindid) end
        as index
from pg_constraint as k
where k.connamespace = any(%(schemas)s) and k.contype in ('p', 'u', 'f', 'c', 'x', 'n')
    and not exists (
        select from pg_constraint as parent
        where parent.oid = k.conparentid and k.contype = 'f' and parent.conrelid = k.conrelid)
order by k.conrelid, k.conname
"""

INDEXES = f"""
select i.indrelid as relation_oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as key,
    c.relname as name, pg_get_indexdef(i.indexrelid) as definition,
    i.indisvalid and i.indisready as valid, i.indisclustered as clustered,
    (select spcname from pg_tablespace as t where t.oid = c.reltablespace) as tablespace,
    (select {relation_name("h.inhparent")} from pg_inherits as h where h.inhrelid = c.oid) as parent,
    array(select a.attnum || '=' || a.attstattarget from pg_attribute as a
        where a.attrelid = c.oid and a.attstattarget >= 0 order by a.attnum) as statistics,
    obj_description(c.oid, 'pg_class') as comment,
    i.indisunique as unique, i.indisprimary as primary, i.indnullsnotdistinct as nulls_not_distinct,
    am.amname as method,
    array(select a.attname::text from generate_series(0, i.indnkeyatts - 1) as place
        left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[place] and a.attnum > 0
        order by place) as columns,
    array(select case when i.indkey[place - 1] > 0 then (
            select quote_ident(a.attname) from pg_attribute as a
            where a.attrelid = i.indrelid and a.attnum = i.indkey[place - 1])
        else pg_get_indexdef(i.indexrelid, place, false) end
        from generate_series(1, i.indnkeyatts) as place order by place) as keys,
    array(select a.attname::text from generate_series(i.indnkeyatts, i.indnatts - 1) as place
        join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[place] order by place) as include,
    array(select o.opcname::text from generate_series(0, i.indnkeyatts - 1) as place
        join pg_opclass as o on o.oid = i.indclass[place] order by place) as opclasses,
    pg_get_expr(i.indpred, i.indrelid) as predicate, k.conname as constraint
from pg_index as i
join pg_class as c on c.oid = i.indexrelid
join pg_namespace as n on n.oid = c.relnamespace
join pg_am as am on am.oid = c.relam
left join pg_constraint as k on k.conindid = c.oid and k.contype in ('p', 'u', 'x')
where c.relnamespace = any(%(schemas)s)
order by n.nspname, c.relname
"""

TRIGGERS = f"""
select t.tgrelid as relation_oid, t.tgname as name, pg_get_triggerdef(t.oid) as definition,
    case t.tgenabled when 'O' then 'origin' when 'D' then 'disabled' when 'R' then 'replica' else 'always' end
        as enabled,
    t.tgparentid <> 0 as inherited, obj_description(t.oid, 'pg_trigger') as comment,
    {function_name("t.tgfoid")} as function,
    case when t.tgtype & 2 <> 0 then 'before' when t.tgtype & 64 <> 0 then 'instead of' else 'after' end as timing,
    array_remove(array[case when t.tgtype & 4 <> 0 then 'insert' end, case when t.tgtype & 16 <> 0 then 'update' end,
        case when t.tgtype & 8 <> 0 then 'delete' end, case when t.tgtype & 32 <> 0 then 'truncate' end], null)
        as events,
    t.tgtype & 1 <> 0 as for_each_row
from pg_trigger as t
join pg_class as c on c.oid = t.tgrelid
where c.relnamespace = any(%(schemas)s) and not t.tgisinternal and {own("pg_trigger", "t.oid")}
order by t.tgrelid, t.tgname
"""

POLICIES = f"""
select p.oid, p.polrelid as relation_oid, p.polname as name,
    case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
        else 'all' end as command,
    p.polpermissive as permissive,
    array(select coalesce(pg_roles.rolname::text, 'public') from unnest(p.polroles) as member
        left join pg_roles on pg_roles.oid = member order by 1) as roles,
    pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as check,
    obj_description(p.oid, 'pg_policy') as comment
from pg_policy as p
join pg_class as c on c.oid = p.polrelid
where c.relnamespace = any(%(schemas)s) and {own("pg_policy", "p.oid")}
order by p.polrelid, p.polname
"""

RULES = f"""
select r.ev_class as relation_oid, r.rulename as name, pg_get_ruledef(r.oid) as definition,
    case r.ev_enabled when 'O' then 'origin' when 'D' then 'disabled' when 'R' then 'replica' else 'always' end
        as enabled,
    obj_description(r.oid, 'pg_rewrite') as comment
from pg_rewrite as r
join pg_class as c on c.oid = r.ev_class
where c.relnamespace = any(%(schemas)s) and r.rulename <> '_RETURN' and {own("pg_rewrite", "r.oid")}
order by r.ev_class, r.rulename
"""

# What the stored queries of views and policies name. Built-in objects are pinned and have no rows here.
DEPENDENCIES = f"""
select distinct source.class, source.oid,
    case when d.refclassid = 'pg_class'::regclass then {relation_name("d.refobjid")} end as relation,
    case when d.refclassid = 'pg_proc'::regclass then {function_name("d.refobjid")} end as function
from (
    select 'view' as class, r.ev_class as oid, 'pg_rewrite'::regclass as classid, r.oid as objid, r.ev_class as own
    from pg_rewrite as r join pg_class as c on c.oid = r.ev_class
    where c.relkind in ('v', 'm') and r.rulename = '_RETURN' and c.relnamespace = any(%(schemas)s)
    union all
    select 'policy', p.oid, 'pg_policy'::regclass, p.oid, p.polrelid
    from pg_policy as p join pg_class as c on c.oid = p.polrelid where c.relnamespace = any(%(schemas)s)
) as source
join pg_depend as d on d.classid = source.classid and d.objid = source.objid
where (d.refclassid = 'pg_class'::regclass and d.refobjid <> source.own) or d.refclassid = 'pg_proc'::regclass
order by 1, 2, 3, 4
"""

FUNCTIONS = f"""
select {function_name("p.oid")} as key, n.nspname as schema, p.proname as name,
    case p.prokind when 'f' then 'function' when 'p' then 'procedure' when 'a' then 'aggregate'
        else 'window function' end as kind,
    pg_get_userbyid(p.proowner) as owner, {acl("p.proacl", "f", "p.proowner")} as acl,
    obj_description(p.oid, 'pg_proc') as comment,
    pg_get_function_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as returns, l.lanname as language,
    case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
    case p.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end as parallel,
    p.prosecdef as security_definer, p.proleakproof as leakproof, p.proisstrict as strict,
    p.procost as cost, p.prorows as rows, p.proconfig as config,
    case when p.prosupport <> 0 then p.prosupport::text end as support,
    array(select format_type(item, null) from unnest(p.protrftypes) as item) as transforms, p.probin as library,
    case when p.prokind = 'a' then null when p.prosqlbody is not null then pg_get_function_sqlbody(p.oid)
        else p.prosrc end as body,
    (select to_jsonb(a) - 'aggfnoid' || jsonb_build_object(
            'aggtranstype', format_type(a.aggtranstype, null), 'aggmtranstype', format_type(a.aggmtranstype, null),
            'aggsortop', a.aggsortop::regoperator::text)
        from pg_aggregate as a where a.aggfnoid = p.oid) as aggregate,
    case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end as statement,
    array(select format_type(item, null) from unnest(p.proargtypes) with ordinality as argument(item, place)
        order by place) as argument_types,
    array(select coalesce(argument.name, '') from unnest(p.proargnames, p.proargmodes) as argument(name, mode)
        where coalesce(argument.mode, 'i') in ('i', 'b', 'v')) as argument_names
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
join pg_language as l on l.oid = p.prolang
where p.pronamespace = any(%(schemas)s) and {own("pg_proc", "p.oid")}
    -- Constructors of range and multirange types come and go with the type.
    and not exists (select from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
        and d.refclassid = 'pg_type'::regclass and d.deptype = 'i')
order by n.nspname, p.proname, key
"""

DOMAINS = f"""
select t.oid, quote_ident(n.nspname) || '.' || quote_ident(t.typname) as key, n.nspname as schema, t.typname as name,
    format_type(t.typbasetype, t.typtypmod) as base_type, t.typnotnull as not_null, t.typdefault as default,
    case when t.typcollation <> base.typcollation then (
        select quote_ident(s.nspname) || '.' || quote_ident(l.collname)
        from pg_collation as l join pg_namespace as s on s.oid = l.collnamespace where l.oid = t.typcollation)
        end as collation,
    pg_get_userbyid(t.typowner) as owner, {acl("t.typacl", "T", "t.typowner")} as acl,
    obj_description(t.oid, 'pg_type') as comment
from pg_type as t
join pg_namespace as n on n.oid = t.typnamespace
join pg_type as base on base.oid = t.typbasetype
where t.typnamespace = any(%(schemas)s) and t.typtype = 'd' and {own("pg_type", "t.oid")}
order by n.nspname, t.typname
"""

# Array types, row types of tables and multiranges come with the type they belong to.
TYPES = f"""
select t.oid, t.typrelid as relation_oid, quote_ident(n.nspname) || '.' || quote_ident(t.typname) as key,
    n.nspname as schema, t.typname as name,
    case t.typtype when 'e' then 'enum' when 'c' then 'composite' when 'r' then 'range'
        when 'p' then 'shell' else 'base' end as kind,
    pg_get_userbyid(t.typowner) as owner, {acl("t.typacl", "T", "t.typowner")} as acl,
    obj_description(t.oid, 'pg_type') as comment,
    array(select e.enumlabel::text from pg_enum as e where e.enumtypid = t.oid order by e.enumsortorder) as labels,
    case t.typtype
        when 'r' then (
            select jsonb_build_object(
                'subtype', format_type(r.rngsubtype, null), 'multirange', format_type(r.rngmultitypid, null),
                'opclass', (select quote_ident(s.nspname) || '.' || quote_ident(o.opcname) from pg_opclass as o
                    join pg_namespace as s on s.oid = o.opcnamespace where o.oid = r.rngsubopc),
                'collation', (select quote_ident(s.nspname) || '.' || quote_ident(l.collname) from pg_collation as l
                    join pg_namespace as s on s.oid = l.collnamespace where l.oid = r.rngcollation),
                'canonical', nullif(r.rngcanonical::text, '-'), 'subtype_diff', nullif(r.rngsubdiff::text, '-'))
            from pg_range as r where r.rngtypid = t.oid)
        when 'b' then jsonb_build_object(
            'input', t.typinput::text, 'output', t.typoutput::text, 'receive', t.typreceive::text,
            'send', t.typsend::text, 'typmod_in', t.typmodin::text, 'typmod_out', t.typmodout::text,
            'analyze', t.typanalyze::text, 'subscript', t.typsubscript::text, 'length', t.typlen,
            'by_value', t.typbyval, 'alignment', t.typalign, 'storage', t.typstorage, 'category', t.typcategory,
            'preferred', t.typispreferred, 'delimiter', t.typdelim, 'default', t.typdefault,
            'element', case when t.typelem <> 0 then format_type(t.typelem, null) end,
            'collatable', t.typcollation <> 0)
        else '{{}}'::jsonb end as definition
from pg_type as t
join pg_namespace as n on n.oid = t.typnamespace
left join pg_class as c on c.oid = t.typrelid
where t.typnamespace = any(%(schemas)s) and {own("pg_type", "t.oid")}
    and (t.typtype in ('e', 'r') or (t.typtype = 'p' and not t.typisdefined) or (t.typtype = 'c' and c.relkind = 'c')
        or (t.typtype = 'b' and not exists (select from pg_type as element where element.typarray = t.oid)))
order by n.nspname, t.typname
"""

SEQUENCES = f"""
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as key, n.nspname as schema, c.relname as name,
    pg_get_userbyid(c.relowner) as owner, {acl("c.relacl", "s", "c.relowner")} as acl,
    obj_description(c.oid, 'pg_class') as comment,
    case c.relpersistence when 'p' then 'permanent' when 'u' then 'unlogged' else 'temporary' end as persistence,
    format_type(s.seqtypid, null) as type, s.seqstart as start, s.seqincrement as increment, s.seqmin as minimum,
    s.seqmax as maximum, s.seqcache as cache, s.seqcycle as cycle,
    {relation_name("d.refobjid")} || '.' || quote_ident(a.attname) as owned_by,
    coalesce(d.deptype = 'i', false) as identity
from pg_class as c
join pg_sequence as s on s.seqrelid = c.oid
join pg_namespace as n on n.oid = c.relnamespace
left join pg_depend as d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0
    and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
left join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
where c.relnamespace = any(%(schemas)s) and {own("pg_class", "c.oid")}
order by n.nspname, c.relname
"""

STATISTICS = f"""
select quote_ident(n.nspname) || '.' || quote_ident(s.stxname) as key, pg_get_statisticsobjdef(s.oid) as statement,
    {relation_name("s.stxrelid")} as relation,
    array(select case kind when 'd' then 'ndistinct' when 'f' then 'dependencies' when 'm' then 'mcv' end
        from unnest(s.stxkind) as kind where kind <> 'e' order by 1) as kinds,
    {sorted_array(column_names("s.stxrelid", "s.stxkeys"))} as columns,
    coalesce(pg_get_statisticsobjdef_expressions(s.oid), '{{}}') as expressions,
    pg_get_userbyid(s.stxowner) as owner, nullif(s.stxstattarget, -1) as target,
    obj_description(s.oid, 'pg_statistic_ext') as comment
from pg_statistic_ext as s
join pg_namespace as n on n.oid = s.stxnamespace
where s.stxnamespace = any(%(schemas)s) and {own("pg_statistic_ext", "s.oid")}
order by n.nspname, s.stxname
"""

ROLES = """
select r.rolname as name, r.rolsuper as superuser, r.rolbypassrls as bypass_rls, r.rolcanlogin as login,
    r.rolinherit as inherit, r.rolcreaterole as create_role, r.rolcreatedb as create_db,
    r.rolreplication as replication, r.rolconnlimit as connection_limit, r.rolconfig as config,
    shobj_description(r.oid, 'pg_authid') as comment
from pg_roles as r
order by r.rolname
"""

# Options by membership came with 16; before, INHERIT was the member's attribute and SET ROLE always allowed.
MEMBERSHIPS = """
select member.rolname as role, parent.rolname as group, bool_or(m.admin_option) as admin,
    bool_or(coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, member.rolinherit)) as inherit,
    bool_or(coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)) as set
from pg_auth_members as m
join pg_roles as member on member.oid = m.member
join pg_roles as parent on parent.oid = m.roleid
group by member.rolname, parent.rolname
order by member.rolname, parent.rolname
"""

DEFAULT_PRIVILEGES = """
select pg_get_userbyid(d.defaclrole) as role, n.nspname as schema,
    case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
        when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end as objects,
    d.defaclacl::text[] as acl
from pg_default_acl as d
left join pg_namespace as n on n.oid = d.defaclnamespace
where case when d.defaclnamespace = 0 then %(everything)s else d.defaclnamespace = any(%(schemas)s) end
order by 1, 2 nulls first, 3
"""

EXTENSIONS = """
select e.extname as name, e.extversion as version, n.nspname as schema,
    obj_description(e.oid, 'pg_extension') as comment
from pg_extension as e
join pg_namespace as n on n.oid = e.extnamespace
order by e.extname
"""

CRON_SOURCES = """
select name
from (values ('cron.job'), ('core.cron_jobs')) as source(name)
where to_regclass(name) is not null and has_table_privilege(to_regclass(name), 'SELECT')
"""


def cron_rows(source: str) -> str:
    """Rows of one cron table as json, without what belongs to the server, the operator (is_enabled) or the clock."""
    return f"""
        select '{source}' as source,
            coalesce(to_jsonb(job) ->> 'jobname', to_jsonb(job) ->> 'name', to_jsonb(job) ->> 'command') as name,
            to_jsonb(job)
                - '{{jobid,nodename,nodeport,database,username,is_enabled,created_at,updated_at}}'::text[]
                - '{{last_run_at,next_run_at}}'::text[]
                as values
        from {source} as job
        order by name
    """

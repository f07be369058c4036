"""The query for the rarer kinds: kind, name, owner, acl, comment and a definition as json, one row an object."""

from __future__ import annotations

from dbkit.catalog.fragments import acl, column_names, function_name, own, relation_name, sorted_array

__all__ = ["OTHER_OBJECTS"]

_EVENT_TRIGGERS = f"""
select 'event trigger' as kind, quote_ident(t.evtname) as name, pg_get_userbyid(t.evtowner) as owner,
    null::text[] as acl, obj_description(t.oid, 'pg_event_trigger') as comment,
    jsonb_build_object('event', t.evtevent, 'tags', to_jsonb(t.evttags), 'function', {function_name("t.evtfoid")},
        'enabled', case t.evtenabled when 'O' then 'origin' when 'D' then 'disabled' when 'R' then 'replica'
            else 'always' end) as definition
from pg_event_trigger as t
where {own("pg_event_trigger", "t.oid")}
"""

# Options of user mappings hold passwords, and only some logins may see them: the mapping counts, not its options.
_FOREIGN = f"""
select 'foreign data wrapper', quote_ident(w.fdwname), pg_get_userbyid(w.fdwowner),
    {acl("w.fdwacl", "F", "w.fdwowner")},
    obj_description(w.oid, 'pg_foreign_data_wrapper'),
    jsonb_build_object('handler', w.fdwhandler::regproc::text, 'validator', w.fdwvalidator::regproc::text,
        'options', {sorted_array("w.fdwoptions")})
from pg_foreign_data_wrapper as w
where {own("pg_foreign_data_wrapper", "w.oid")}
union all
select 'foreign server', quote_ident(s.srvname), pg_get_userbyid(s.srvowner), {acl("s.srvacl", "S", "s.srvowner")},
    obj_description(s.oid, 'pg_foreign_server'),
    jsonb_build_object('wrapper', w.fdwname, 'type', s.srvtype, 'version', s.srvversion,
        'options', {sorted_array("s.srvoptions")})
from pg_foreign_server as s
join pg_foreign_data_wrapper as w on w.oid = s.srvfdw
where {own("pg_foreign_server", "s.oid")}
union all
select 'user mapping', quote_ident(m.usename) || ' on ' || quote_ident(m.srvname), null, null, null,
    '{{}}'::jsonb
from pg_user_mappings as m
"""

_REPLICATION = f"""
select 'publication', quote_ident(p.pubname), pg_get_userbyid(p.pubowner), null,
    obj_description(p.oid, 'pg_publication'),
    to_jsonb(p) - '{{oid,pubname,pubowner}}'::text[] || jsonb_build_object(
        'tables', (select jsonb_object_agg({relation_name("r.prrelid")}, jsonb_build_object(
            'filter', pg_get_expr(r.prqual, r.prrelid),
            'columns', {sorted_array(column_names("r.prrelid", "r.prattrs"))}))
            from pg_publication_rel as r where r.prpubid = p.oid),
        'schemas', array(select n.nspname from pg_publication_namespace as s
            join pg_namespace as n on n.oid = s.pnnspid where s.pnpubid = p.oid order by 1))
from pg_publication as p
where {own("pg_publication", "p.oid")}
union all
select 'subscription', quote_ident(s.subname), pg_get_userbyid(s.subowner), null,
    obj_description(s.oid, 'pg_subscription'),
    jsonb_build_object('enabled', s.subenabled, 'binary', s.subbinary, 'slot', s.subslotname,
        'publications', {sorted_array("s.subpublications")})
from pg_subscription as s
where s.subdbid = (select oid from pg_database where datname = current_database())
"""

_OPERATORS = f"""
select 'cast', '(' || format_type(c.castsource, null) || ' as ' || format_type(c.casttarget, null) || ')', null, null,
    obj_description(c.oid, 'pg_cast'),
    jsonb_build_object('function', case when c.castfunc <> 0 then {function_name("c.castfunc")} end,
        'context', c.castcontext, 'method', c.castmethod)
from pg_cast as c
where c.oid >= 16384 and {own("pg_cast", "c.oid")}
    -- A range type brings the cast to its multirange.
    and not exists (select from pg_range as r where r.rngtypid = c.castsource and r.rngmultitypid = c.casttarget)
union all
select 'operator', o.oid::regoperator::text, pg_get_userbyid(o.oprowner), null, obj_description(o.oid, 'pg_operator'),
    jsonb_build_object('function', {function_name("o.oprcode")},
        'commutator', nullif(o.oprcom::regoperator::text, '0'),
        'negator', nullif(o.oprnegate::regoperator::text, '0'),
        'restrict', nullif(o.oprrest::text, '-'), 'join', nullif(o.oprjoin::text, '-'),
        'hashes', o.oprcanhash, 'merges', o.oprcanmerge)
from pg_operator as o
where o.oid >= 16384 and {own("pg_operator", "o.oid")}
union all
select 'operator family', quote_ident(n.nspname) || '.' || quote_ident(f.opfname) || ' using ' || m.amname,
    pg_get_userbyid(f.opfowner), null, obj_description(f.oid, 'pg_opfamily'),
    jsonb_build_object(
        'operators', array(select a.amopstrategy || ' ' || a.amopopr::regoperator::text || ' ' || a.amoppurpose::text
            from pg_amop as a where a.amopfamily = f.oid order by 1),
        'functions', array(select a.amprocnum || ' ' || format_type(a.amproclefttype, null) || ' '
            || format_type(a.amprocrighttype, null) || ' ' || {function_name("a.amproc")}
            from pg_amproc as a where a.amprocfamily = f.oid order by 1))
from pg_opfamily as f
join pg_namespace as n on n.oid = f.opfnamespace
join pg_am as m on m.oid = f.opfmethod
where f.oid >= 16384 and {own("pg_opfamily", "f.oid")}
union all
select 'operator class', quote_ident(n.nspname) || '.' || quote_ident(o.opcname) || ' using ' || m.amname,
    pg_get_userbyid(o.opcowner), null, obj_description(o.oid, 'pg_opclass'),
    jsonb_build_object('type', format_type(o.opcintype, null), 'default', o.opcdefault,
        'storage', case when o.opckeytype <> 0 then format_type(o.opckeytype, null) end,
        'family', (select quote_ident(s.nspname) || '.' || quote_ident(f.opfname) from pg_opfamily as f
            join pg_namespace as s on s.oid = f.opfnamespace where f.oid = o.opcfamily))
from pg_opclass as o
join pg_namespace as n on n.oid = o.opcnamespace
join pg_am as m on m.oid = o.opcmethod
where o.oid >= 16384 and {own("pg_opclass", "o.oid")}
union all
select 'access method', quote_ident(m.amname), null, null, obj_description(m.oid, 'pg_am'),
    jsonb_build_object('handler', m.amhandler::text, 'type', m.amtype)
from pg_am as m
where m.oid >= 16384 and {own("pg_am", "m.oid")}
union all
select 'language', quote_ident(l.lanname), pg_get_userbyid(l.lanowner), {acl("l.lanacl", "l", "l.lanowner")},
    obj_description(l.oid, 'pg_language'),
    jsonb_build_object('trusted', l.lanpltrusted, 'handler', l.lanplcallfoid::regproc::text,
        'inline', l.laninline::regproc::text, 'validator', l.lanvalidator::regproc::text)
from pg_language as l
where l.oid >= 16384 and {own("pg_language", "l.oid")}
union all
select 'transform', 'for ' || format_type(t.trftype, null) || ' language ' || l.lanname, null, null,
    obj_description(t.oid, 'pg_transform'),
    jsonb_build_object('from_sql', t.trffromsql::text, 'to_sql', t.trftosql::text)
from pg_transform as t
join pg_language as l on l.oid = t.trflang
where {own("pg_transform", "t.oid")}
"""

# A collation's version is what the operating system had when it was made, not schema.
_TEXT = f"""
select 'collation', quote_ident(n.nspname) || '.' || quote_ident(l.collname), pg_get_userbyid(l.collowner), null,
    obj_description(l.oid, 'pg_collation'),
    to_jsonb(l) - '{{oid,collname,collnamespace,collowner,collversion}}'::text[]
from pg_collation as l
join pg_namespace as n on n.oid = l.collnamespace
where l.collnamespace = any(%(schemas)s) and {own("pg_collation", "l.oid")}
union all
select 'conversion', quote_ident(n.nspname) || '.' || quote_ident(c.conname), pg_get_userbyid(c.conowner), null,
    obj_description(c.oid, 'pg_conversion'),
    jsonb_build_object('from', pg_encoding_to_char(c.conforencoding), 'to', pg_encoding_to_char(c.contoencoding),
        'function', c.conproc::text, 'default', c.condefault)
from pg_conversion as c
join pg_namespace as n on n.oid = c.connamespace
where c.connamespace = any(%(schemas)s) and {own("pg_conversion", "c.oid")}
union all
select 'text search configuration', quote_ident(n.nspname) || '.' || quote_ident(c.cfgname),
    pg_get_userbyid(c.cfgowner), null, obj_description(c.oid, 'pg_ts_config'),
    jsonb_build_object('parser', (select p.prsname from pg_ts_parser as p where p.oid = c.cfgparser),
        'mappings', array(select m.maptokentype || ' ' || m.mapseqno || ' ' || m.mapdict::regdictionary::text
            from pg_ts_config_map as m where m.mapcfg = c.oid order by m.maptokentype, m.mapseqno))
from pg_ts_config as c
join pg_namespace as n on n.oid = c.cfgnamespace
where c.cfgnamespace = any(%(schemas)s) and {own("pg_ts_config", "c.oid")}
union all
select 'text search dictionary', quote_ident(n.nspname) || '.' || quote_ident(d.dictname),
    pg_get_userbyid(d.dictowner), null, obj_description(d.oid, 'pg_ts_dict'),
    jsonb_build_object('options', d.dictinitoption,
        'template', (select quote_ident(s.nspname) || '.' || quote_ident(t.tmplname) from pg_ts_template as t
            join pg_namespace as s on s.oid = t.tmplnamespace where t.oid = d.dicttemplate))
from pg_ts_dict as d
join pg_namespace as n on n.oid = d.dictnamespace
where d.dictnamespace = any(%(schemas)s) and {own("pg_ts_dict", "d.oid")}
union all
select 'text search parser', quote_ident(n.nspname) || '.' || quote_ident(p.prsname), null, null,
    obj_description(p.oid, 'pg_ts_parser'),
    to_jsonb(p) - '{{oid,prsname,prsnamespace}}'::text[]
from pg_ts_parser as p
join pg_namespace as n on n.oid = p.prsnamespace
where p.prsnamespace = any(%(schemas)s) and {own("pg_ts_parser", "p.oid")}
union all
select 'text search template', quote_ident(n.nspname) || '.' || quote_ident(t.tmplname), null, null,
    obj_description(t.oid, 'pg_ts_template'),
    to_jsonb(t) - '{{oid,tmplname,tmplnamespace}}'::text[]
from pg_ts_template as t
join pg_namespace as n on n.oid = t.tmplnamespace
where t.tmplnamespace = any(%(schemas)s) and {own("pg_ts_template", "t.oid")}
"""

# pg_dump writes out what was granted or revoked on extension members after CREATE EXTENSION; so does a snapshot.
_EXTENSION_PRIVILEGES = """
select 'privileges on extension object', (object).type || ' ' || (object).identity, owner,
    coalesce(changed.acl, '{}')::text[], null, '{}'::jsonb
from (
    select pg_identify_object(o.classid, o.oid, 0) as object, pg_get_userbyid(o.owner) as owner, o.acl
    from (
        select 'pg_class'::regclass as classid, oid, relowner as owner, relacl as acl from pg_class
        union all select 'pg_proc'::regclass, oid, proowner, proacl from pg_proc
        union all select 'pg_namespace'::regclass, oid, nspowner, nspacl from pg_namespace
        union all select 'pg_type'::regclass, oid, typowner, typacl from pg_type
        union all select 'pg_foreign_data_wrapper'::regclass, oid, fdwowner, fdwacl from pg_foreign_data_wrapper
        union all select 'pg_language'::regclass, oid, lanowner, lanacl from pg_language
    ) as o
    join pg_depend as d on d.classid = o.classid and d.objid = o.oid and d.deptype = 'e'
    left join pg_init_privs as i on i.classoid = o.classid and i.objoid = o.oid and i.objsubid = 0
    where o.acl is distinct from i.initprivs
) as changed
"""

_SECURITY_LABELS = """
select 'security label', l.provider || ' on ' || l.objtype || ' ' || l.objname, null, null, null,
    jsonb_build_object('label', l.label)
from pg_seclabels as l
where l.objtype not in ('role', 'database', 'tablespace', 'large object')
"""

OTHER_OBJECTS = (
    "select * from ("
    + "union all".join(
        (_EVENT_TRIGGERS, _FOREIGN, _REPLICATION, _OPERATORS, _TEXT, _EXTENSION_PRIVILEGES, _SECURITY_LABELS)
    )
    + ") as other where %(everything)s order by kind, name"
)

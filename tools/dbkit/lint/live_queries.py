"""What a live database's statistics say, one query a kind; the catalogs themselves come from `dbkit.catalog`.

All run with search_path = pg_catalog in the snapshot's transaction, with the rights of an ordinary login. Keys are
`schema.name`, quoted as the snapshot quotes them, so that rows meet its objects; what is not in the snapshot (system
schemas, what extensions own) drops out there.
"""

from __future__ import annotations

__all__ = ["QUERIES"]

_KEY = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"

# Rows are estimated as the planner does: the density of the last ANALYZE times the pages there are now.
_TABLES = f"""
select {_KEY} as key,
    case when c.relkind = 'p' then null
        when pg_relation_size(c.oid) = 0 then 0
        when c.reltuples >= 0 and c.relpages > 0
            then (c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::bigint))::bigint
        else nullif(s.n_live_tup, 0) end as rows,
    case when c.relkind = 'p' then 0 else pg_relation_size(c.oid) end as bytes,
    (select {_KEY.replace("c.", "p.").replace("n.", "pn.")} from pg_inherits as i join pg_class as p
        on p.oid = i.inhparent join pg_namespace as pn on pn.oid = p.relnamespace
        where i.inhrelid = c.oid and c.relispartition) as parent,
    coalesce(s.n_live_tup, 0) as live, coalesce(s.n_dead_tup, 0) as dead,
    coalesce(s.n_mod_since_analyze, 0) as changed,
    coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) as scans,
    coalesce(s.last_analyze, s.last_autoanalyze) is not null or c.reltuples >= 0 as analyzed,
    coalesce(s.last_vacuum, s.last_autovacuum) is not null as vacuumed,
    case when c.relfrozenxid <> 0 then age(c.relfrozenxid) end as xid_age,
    case when c.relminmxid <> 0 then mxid_age(c.relminmxid) end as multixact_age,
    coalesce((select option_value from pg_options_to_table(c.reloptions)
        where option_name = 'autovacuum_freeze_max_age'), current_setting('autovacuum_freeze_max_age'))::bigint
        as xid_limit,
    coalesce((select option_value from pg_options_to_table(c.reloptions)
        where option_name = 'autovacuum_multixact_freeze_max_age'),
        current_setting('autovacuum_multixact_freeze_max_age'))::bigint as multixact_limit
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
left join pg_stat_all_tables as s on s.relid = c.oid
where c.relkind in ('r', 'p', 'm') and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_toast'
"""

_INDEXES = f"""
select {_KEY} as key, coalesce(s.idx_scan, 0) as scans,
    case when c.relkind = 'I' then 0 else pg_relation_size(c.oid) end as bytes,
    i.indisreplident as replica_identity,
    exists (select from pg_stat_progress_create_index as p where p.index_relid = c.oid or p.relid = i.indrelid)
        as building
from pg_index as i
join pg_class as c on c.oid = i.indexrelid
join pg_namespace as n on n.oid = c.relnamespace
left join pg_stat_all_indexes as s on s.indexrelid = c.oid
"""

# Rows as wide as ANALYZE found them, on pages as full as they may be, against the pages there are.
_TABLE_BLOAT = f"""
select key, actual, (ceil(tuples / per_page) * block)::bigint as needed, readable, known
from (
    select {_KEY} as key, pg_relation_size(c.oid) as actual, c.reltuples as tuples,
        current_setting('block_size')::numeric as block,
        greatest(1, floor((current_setting('block_size')::numeric - 24)
            * coalesce((select option_value::numeric from pg_options_to_table(c.reloptions)
                where option_name = 'fillfactor'), 100) / 100
            / (4 + ceil((24 + w.width) / 8) * 8))) as per_page,
        not row_security_active(c.oid) and has_any_column_privilege(c.oid, 'SELECT') and w.readable as readable,
        c.reltuples >= 0 and w.known as known
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    cross join lateral (
        select coalesce(sum((1 - s.null_frac) * s.avg_width), 0)::numeric as width,
            bool_and(s.attname is not null or c.reltuples = 0) as known,
            bool_and(has_column_privilege(c.oid, a.attnum, 'SELECT')) as readable
        from pg_attribute as a
        left join pg_stats as s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
            and not s.inherited
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as w
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        and c.relam = (select oid from pg_am where amname = 'heap')
        and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'
        and pg_relation_size(c.oid) >= %(smallest)s
) as estimated
"""

# B-trees only. Deduplication makes an index smaller than this estimate, never larger.
_INDEX_BLOAT = f"""
select key, actual, (ceil(tuples / per_page) * block)::bigint as needed
from (
    select {_KEY} as key, pg_relation_size(c.oid) as actual, c.reltuples as tuples,
        current_setting('block_size')::numeric as block,
        greatest(1, floor((current_setting('block_size')::numeric - 40)
            * coalesce((select option_value::numeric from pg_options_to_table(c.reloptions)
                where option_name = 'fillfactor'), 90) / 100
            / (4 + 8 + ceil(w.width / 8) * 8))) as per_page
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    join pg_class as t on t.oid = i.indrelid
    join pg_namespace as n on n.oid = c.relnamespace
    cross join lateral (
        select sum((1 - s.null_frac) * s.avg_width)::numeric as width, bool_and(s.attname is not null) as known
        from pg_attribute as a
        left join pg_attribute as ta on ta.attrelid = t.oid and ta.attnum = i.indkey[a.attnum - 1] and ta.attnum > 0
        left join pg_stats as s on s.schemaname = n.nspname and not s.inherited
            and (s.tablename, s.attname) = (case when ta.attnum is null then c.relname else t.relname end,
                coalesce(ta.attname, a.attname))
        where a.attrelid = c.oid
    ) as w
    where c.relam = (select oid from pg_am where amname = 'btree') and c.relkind = 'i' and c.reltuples >= 0
        and i.indisvalid and w.known and pg_relation_size(c.oid) >= %(smallest)s
) as estimated
"""

# Every column whose default or identity takes its values from a sequence, and every foreign key to such a column.
_SEQUENCES = f"""
with fed as (
    select d.objid as sequence, d.refobjid as relation, d.refobjsubid as number
    from pg_depend as d
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'
        and d.refobjsubid > 0
    union
    select d.refobjid, ad.adrelid, ad.adnum
    from pg_depend as d join pg_attrdef as ad on ad.oid = d.objid
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjsubid = 0
), reached as (
    select sequence, relation, number from fed
    union
    select fed.sequence, k.conrelid, k.conkey[place.number]
    from fed
    join pg_constraint as k on k.contype = 'f' and k.confrelid = fed.relation
    cross join lateral generate_subscripts(k.confkey, 1) as place (number)
    where k.confkey[place.number] = fed.number
)
select {_KEY} as key, v.last_value as last, v.min_value as minimum, v.max_value as maximum, v.increment_by as step,
    v.start_value as start, v.cycle, has_sequence_privilege(c.oid, 'USAGE') or has_sequence_privilege(c.oid, 'SELECT')
        as readable,
    coalesce((select jsonb_agg(jsonb_build_array(quote_ident(tn.nspname) || '.' || quote_ident(t.relname) || '.'
            || quote_ident(a.attname), format_type(a.atttypid, null)) order by tn.nspname, t.relname, a.attname)
        from reached as r
        join pg_class as t on t.oid = r.relation
        join pg_namespace as tn on tn.oid = t.relnamespace
        join pg_attribute as a on a.attrelid = r.relation and a.attnum = r.number
        where r.sequence = c.oid and not t.relispartition), '[]') as columns
from pg_sequences as v
join pg_namespace as n on n.nspname = v.schemaname
join pg_class as c on c.relnamespace = n.oid and c.relname = v.sequencename and c.relkind = 'S'
"""

_SLOTS = """
select slot_name as name, slot_type as type, active, wal_status as status,
    pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
        restart_lsn)::bigint as behind
from pg_replication_slots
where not temporary and (database is null or database = current_database())
"""

# Of other roles' sessions a login without pg_read_all_stats sees neither the state nor the kind.
_SESSIONS = """
select pid, coalesce(usename::text, '?') as role, coalesce(application_name, '') as application, state,
    extract(epoch from clock_timestamp() - state_change)::bigint as idle,
    extract(epoch from clock_timestamp() - xact_start)::bigint as open
from pg_stat_activity
where datname = current_database() and coalesce(backend_type, 'client backend') = 'client backend'
    and usesysid is not null and pid <> pg_backend_pid()
"""

_SERVER = """
select current_setting('is_superuser') = 'on' as superuser, current_user::text as role,
    extract(epoch from clock_timestamp() - coalesce(s.stats_reset, pg_postmaster_start_time()))::bigint as stats_age,
    s.stats_reset is not null as stats_were_reset
from pg_stat_database as s where s.datname = current_database()
"""

_DATABASES = """
select quote_ident(datname) as name, age(datfrozenxid) as xid_age, mxid_age(datminmxid) as multixact_age,
    current_setting('autovacuum_freeze_max_age')::bigint as xid_limit,
    current_setting('autovacuum_multixact_freeze_max_age')::bigint as multixact_limit
from pg_database where datallowconn
"""

_SETTINGS = """
select name, setting as value, source from pg_settings
where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'zero_damaged_pages', 'ignore_checksum_failure',
    'ignore_invalid_pages', 'autovacuum', 'track_counts', 'data_checksums')
"""

_EXTENSIONS = """
select name, default_version as available, installed_version as installed from pg_available_extensions
where installed_version is not null and default_version is distinct from installed_version
"""

QUERIES = {
    "server": _SERVER,
    "tables": _TABLES,
    "indexes": _INDEXES,
    "table_bloat": _TABLE_BLOAT,
    "index_bloat": _INDEX_BLOAT,
    "sequences": _SEQUENCES,
    "slots": _SLOTS,
    "sessions": _SESSIONS,
    "databases": _DATABASES,
    "settings": _SETTINGS,
    "extensions": _EXTENSIONS,
}

-- core.table_bloat: by dead rows, not by size: a large table is not a bloated one.

create view core.table_bloat with (security_invoker = true) as
select s.schemaname as schema_name, s.relname as table_name, s.n_live_tup as live_rows, s.n_dead_tup as dead_rows,
       round(s.n_dead_tup::numeric / nullif(s.n_live_tup + s.n_dead_tup, 0), 4) as dead_ratio,
       greatest(s.last_vacuum, s.last_autovacuum) as last_vacuum_at,
       greatest(s.last_analyze, s.last_autoanalyze) as last_analyze_at,
       pg_catalog.pg_relation_size(s.relid) as heap_bytes
  from pg_catalog.pg_stat_user_tables as s
  -- a partitioned table has no rows of its own
  join pg_catalog.pg_class as c on c.oid = s.relid and c.relkind <> 'p'
 order by dead_rows desc, schema_name, table_name;

comment on view core.table_bloat is 'Dead rows of each table, most first, and when it was vacuumed and analyzed last, by hand or by itself.';
comment on column core.table_bloat.dead_ratio is 'Dead rows of all rows, 0 to 1; null for an empty table.';

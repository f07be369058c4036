-- core.unused_indexes: indexes no query has read since the statistics were reset. Those that keep something unique or back a
-- constraint work without being read.

create view core.unused_indexes with (security_invoker = true) as
select s.schemaname as schema_name, s.relname as table_name, s.indexrelname as index_name,
       pg_catalog.pg_relation_size(s.indexrelid) as bytes,
       pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(s.indexrelid)) as size,
       (select d.stats_reset from pg_catalog.pg_stat_database as d where d.datname = current_database()) as counted_since
  from pg_catalog.pg_stat_user_indexes as s
  join pg_catalog.pg_index as i on i.indexrelid = s.indexrelid
 where s.idx_scan = 0
   and not i.indisunique
   and not i.indisexclusion
   and not exists (select from pg_catalog.pg_constraint as c where c.conindid = s.indexrelid)
 order by bytes desc, schema_name, table_name, index_name;

comment on view core.unused_indexes is 'Indexes without a scan that enforce nothing, largest first. Ask the replicas too: each counts for itself.';
comment on column core.unused_indexes.counted_since is 'Since when scans are counted; null means since the server was made.';

-- core.table_sizes: by oid, so that a name that needs quotes works too. Partitions are listed, their parents have no storage.

create view core.table_sizes with (security_invoker = true) as
select n.nspname as schema_name, c.relname as table_name,
       pg_catalog.pg_total_relation_size(c.oid) as total_bytes,
       pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size(c.oid)) as total,
       pg_catalog.pg_relation_size(c.oid) as heap_bytes,
       pg_catalog.pg_indexes_size(c.oid) as index_bytes,
       case when c.reltoastrelid = 0 then 0 else pg_catalog.pg_total_relation_size(c.reltoastrelid) end as toast_bytes,
       greatest(c.reltuples, 0)::bigint as estimated_rows
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind in ('r', 'm')
   and n.nspname !~ '^pg_'
   and n.nspname <> 'information_schema'
 order by total_bytes desc, schema_name, table_name;

comment on view core.table_sizes is 'Storage of tables and materialized views, largest first.';
comment on column core.table_sizes.total_bytes is 'Heap with its maps, indexes and out-of-line values.';
comment on column core.table_sizes.estimated_rows is 'As of the last ANALYZE or VACUUM.';

-- core.duplicate_indexes: indexes of one table that are the same but for their name.

create view core.duplicate_indexes with (security_invoker = true) as
select n.nspname as schema_name,
       t.relname as table_name,
       array_agg(c.relname order by i.indisprimary desc, i.indisunique desc, c.relname) as indexes,
       sum(pg_catalog.pg_relation_size(c.oid))::bigint - max(pg_catalog.pg_relation_size(c.oid)) as wasted_bytes
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_class as t on t.oid = i.indrelid
  join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
 where n.nspname !~ '^pg_'
   and n.nspname <> 'information_schema'
 group by n.nspname, t.relname, i.indrelid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text,
          i.indnkeyatts, pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid)
having count(*) > 1
 order by wasted_bytes desc, schema_name, table_name;

comment on view core.duplicate_indexes is 'Sets of equal indexes: same table, method, columns, operator classes, order and condition.';
comment on column core.duplicate_indexes.indexes is 'The one to keep comes first: it backs a key, or is unique.';

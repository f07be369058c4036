-- core.cache_lookups: each core.cache_get, until core.cache_purge_expired sums them up. A row a look-up: a counter would be a row that all
-- readers of a cache lock.

-- dbkit: allow key_without_tenant_first because rows are only appended and summed up
-- dbkit: allow table_without_primary_key because an index would cost more than the row
-- dbkit: allow table_without_timestamps because bucket is the minute
create unlogged table core.cache_lookups (
    tenant_id uuid not null,
    bucket    timestamptz not null,
    name      text not null,
    is_hit    boolean not null
);

comment on table core.cache_lookups is 'Look-ups not yet in core.cache_stats.';

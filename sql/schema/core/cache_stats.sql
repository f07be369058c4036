-- core.cache_stats: hits and misses per tenant, minute and policy.

-- dbkit: allow table_without_timestamps because bucket is the minute
create unlogged table core.cache_stats (
    tenant_id uuid not null,
    bucket    timestamptz not null,
    name      text not null,
    hits      bigint not null default 0,
    misses    bigint not null default 0,

    constraint cache_stats_pkey primary key (tenant_id, bucket, name)
);

-- core.cache_stats_report: the buckets of a period
create index cache_stats_bucket_idx on core.cache_stats (bucket);

comment on table core.cache_stats is 'Look-ups of the cache, summed up by core.cache_purge_expired.';

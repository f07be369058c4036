-- core.cache_invalidations: which tags became stale in which transaction. Only ever inserted into by writers, so nobody waits.

create unlogged table core.cache_invalidations (
    tenant_id  uuid not null,
    tag        text not null collate "C",
    xid        xid8 not null default pg_current_xact_id(),
    prefix     text not null default '' collate "C",
    noted_at   timestamptz not null default clock_timestamp(),
    settled_at timestamptz,

    constraint cache_invalidations_pkey primary key (tenant_id, tag, xid, prefix)
) with (fillfactor = 80);

comment on table core.cache_invalidations is 'Invalidations of the last minutes; core.cache_get compares entries with them.';
comment on column core.cache_invalidations.tag is 'A tag; key:<key> for one key; * for every key that begins with prefix.';
comment on column core.cache_invalidations.noted_at is 'The last time in its transaction.';
comment on column core.cache_invalidations.settled_at is 'When the purge first saw it committed.';

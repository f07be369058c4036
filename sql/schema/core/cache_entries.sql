-- core.cache_entries: cached values. An entry is stale when an invalidation of one of its tags is not part of what it saw: `seen` is the
-- snapshot from before the value was computed, so a change that commits in between counts, too. Of its own transaction it saw what was
-- before `seen_at`. Nobody deletes entries to invalidate them, so writers of business tables never wait for each other here, and a
-- rollback leaves the entry as it was.
-- No index on tags: a tag is looked up among the tenant's own entries, and a trigger does not look at entries at all.

create unlogged table core.cache_entries (
    tenant_id  uuid not null,
    key        text not null collate "C",
    variant    text not null default '',
    value      jsonb not null,
    tags       text[] not null default '{}',
    seen       pg_snapshot not null default pg_current_snapshot(),
    seen_at    timestamptz not null default clock_timestamp(),
    xid        xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,

    constraint cache_entries_pkey primary key (tenant_id, key, variant),
    constraint cache_entries_value_size check (pg_column_size(value) <= 1048576)
);

-- dbkit: allow index_without_tenant_first because the purge looks at all tenants
-- core.cache_purge_expired
create index cache_entries_expires_idx on core.cache_entries (expires_at);

comment on table core.cache_entries is 'Values kept by core.cache_set until they expire or what they were made from changes.';
comment on column core.cache_entries.tenant_id is 'The tenant; for policies that vary by person, the user.';
comment on column core.cache_entries.key is 'Name of the policy, a colon, the caller''s key.';
comment on column core.cache_entries.variant is 'The role or user that shares the entry, by the policy''s varies_by.';
comment on column core.cache_entries.seen is 'Changes of other transactions outside this snapshot are newer than the value.';
comment on column core.cache_entries.seen_at is 'Changes of the own transaction after this are newer than the value.';
comment on column core.cache_entries.xid is 'The transaction that stored the value.';

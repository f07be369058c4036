-- storage.access_grants: tokens that let their bearer read or upload one object for a while. Only the hash of a token is stored.

create table storage.access_grants (
    token_hash text not null,
    object_id  uuid not null,
    mode       text not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    created_by uuid,
    created_at timestamptz not null default now(),

    constraint access_grants_pkey primary key (token_hash),
    constraint access_grants_object_id_fkey foreign key (object_id) references storage.objects (id) on delete cascade,
    constraint access_grants_mode_valid check (mode in ('read', 'upload')),
    constraint access_grants_token_hash_valid check (token_hash ~ '^[0-9a-f]{64}$')
);

-- storage.purge_stale
create index access_grants_expires_idx on storage.access_grants (expires_at);
-- ON DELETE CASCADE of an object
create index access_grants_object_id_idx on storage.access_grants (object_id);

comment on table storage.access_grants is 'One-time tokens to upload an object, and tokens to read one until they expire.';
comment on column storage.access_grants.token_hash is 'SHA-256 of the token in hexadecimal; the token itself is returned once and kept nowhere.';
comment on column storage.access_grants.used_at is 'When it was redeemed first. An upload token can be redeemed once.';

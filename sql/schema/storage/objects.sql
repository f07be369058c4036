-- storage.objects: files by bucket and path. The first part of a path is the id of the tenant it belongs to; a path without one, like
-- an avatar of the platform itself, belongs to nobody.

-- dbkit: allow key_without_tenant_first because the name begins with the tenant, and what belongs to nobody has none
create table storage.objects (
    -- The cast is reached by names that begin with a uuid only, so "me.png" is no error but a name without a tenant.
    -- dbkit: allow tenant_column_nullable because an object of the platform belongs to no tenant
    tenant_id      uuid generated always as (
        case when name ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/' then left(name, 36)::uuid end
    ) stored,
    id             uuid not null default gen_random_uuid(),
    bucket_id      text not null,
    name           text not null,
    owner_id       uuid default core.current_user_id(),
    size_bytes     bigint,
    mime_type      text,
    content_sha256 text,
    is_encrypted   boolean not null default false,
    key_id         text,
    state          text not null default 'pending',
    metadata       jsonb not null default '{}',
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),

    constraint objects_pkey primary key (id),
    -- dbkit: allow unique_without_tenant because the name begins with the tenant
    constraint objects_bucket_name_key unique (bucket_id, name),
    constraint objects_bucket_id_fkey foreign key (bucket_id) references storage.buckets (id) on delete restrict,
    -- dbkit: allow fk_without_index because people are deactivated, not deleted
    constraint objects_owner_id_fkey foreign key (owner_id) references core.users (id) on delete set null,
    constraint objects_name_valid check (name !~ '(^/|\.\.|//|/$|(^|/)\.(/|$)|\\|[[:cntrl:]])' and length(name) between 1 and 1024),
    constraint objects_size_bytes_valid check (size_bytes >= 0),
    constraint objects_content_sha256_valid check (content_sha256 ~ '^[0-9a-f]{64}$'),
    constraint objects_state_valid check (state in (
        'pending',  -- -> uploaded by storage.finish_upload, reaped after a day by storage.purge_stale
        'uploaded', -- -> deleted by storage.delete_object
        'deleted'   -- reaped after a day
    ))
);

-- a tenant's folder, by row security and by prefix
create index objects_tenant_prefix_idx on storage.objects (tenant_id, bucket_id, name text_pattern_ops);
-- storage.purge_stale
create index objects_stale_idx on storage.objects (updated_at) where state <> 'uploaded';

comment on table storage.objects is 'Files: name, limits and state. The bytes are where the application keeps them.';
comment on column storage.objects.tenant_id is 'The tenant whose id the name begins with; null where it begins with none.';
comment on column storage.objects.name is 'Path inside the bucket: <tenant id>/<folder>/<file>. Never changes.';
comment on column storage.objects.owner_id is 'Who reserved it.';
comment on column storage.objects.content_sha256 is 'SHA-256 of the bytes as the upload reported it, in hexadecimal.';
comment on column storage.objects.state is 'pending until the bytes are there -> uploaded -> deleted.';
comment on column storage.objects.is_encrypted is 'Whether the bytes are ciphertext; key_id names the key.';

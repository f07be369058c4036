-- Migration: 20261121000200_create_table_storage_baseline
-- Description: storage baseline
-- Author: dbkit
-- Date: 2026-11-21
-- Dependencies: core/20261121000000
-- Rollback: down section

-- migrate:up

-- storage: what the database knows of files. The bytes are elsewhere; names, limits, permission and one-time grants are here.

create schema storage;

comment on schema storage is 'Buckets, objects and grants to read or upload them. The bytes never pass through the database.';

-- CREATE is what lets a function be given to app_definer.
grant usage, create on schema storage to app_definer;
grant usage on schema storage to app_user, app_readonly, app_worker;

alter default privileges in schema storage grant all on tables to app_definer;

-- storage.buckets: what kinds of files there are, and what each accepts. Seeds and migrations write it.

create table storage.buckets (
    id                 text not null,
    name               text not null,
    public             boolean not null default false,
    file_size_limit    bigint not null,
    allowed_mime_types text[] not null,

    constraint buckets_pkey primary key (id),
    constraint buckets_name_key unique (name),
    constraint buckets_file_size_limit_positive check (file_size_limit > 0)
);

comment on table storage.buckets is 'Kinds of files, with their limits.';
comment on column storage.buckets.public is 'Whether everybody may read the objects, whoever owns them.';
comment on column storage.buckets.file_size_limit is 'The largest object, in bytes.';
comment on column storage.buckets.allowed_mime_types is 'Types it accepts, e.g. application/pdf or image/*; image/svg+xml is refused all the same.';

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

-- What the policy of storage.objects asks once per statement.

create function storage.public_bucket_ids() returns text[]
    language sql stable parallel safe
begin atomic
    select coalesce(array_agg(b.id), '{}') from storage.buckets as b where b.public;
end;

revoke execute on function storage.public_bucket_ids() from public;
grant execute on function storage.public_bucket_ids() to app_user, app_readonly, app_definer;

comment on function storage.public_bucket_ids() is 'The buckets everybody may read. Internal. Errors: none.';

-- 256 bits nobody can guess, so a plain hash is enough to keep them by.

create or replace function storage.create_grant(p_object_id uuid, p_mode text, p_ttl_seconds integer, out token text, out expires_at timestamptz)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_ttl_seconds is null or p_ttl_seconds not between 1 and 3600 then
        perform core.raise_error('PT422', 'invalid', 'A grant lives for 1 to 3600 seconds.', '{"ttl_seconds": "out of range"}');
    end if;
    token := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
    expires_at := clock_timestamp() + make_interval(secs => p_ttl_seconds);
    insert into storage.access_grants (token_hash, object_id, mode, expires_at, created_by)
    values (encode(sha256(convert_to(token, 'UTF8')), 'hex'), p_object_id, p_mode, expires_at, core.current_user_id());
end
$fn$;

revoke execute on function storage.create_grant(uuid, text, integer) from public;
grant execute on function storage.create_grant(uuid, text, integer) to app_definer;

comment on function storage.create_grant(uuid, text, integer) is
    'A token to read or upload one object, returned once and kept as a hash. Internal: the caller has checked who asks. '
    'Errors: PT422 life out of range.';

-- For workers, which act for no user: whose file it is says the job, and that they may make it says their lease. The name is the job's,
-- so another attempt finds the reservation of the one before, and a file that is complete already is left alone.

create or replace function storage.create_job_upload(
    p_lease bigint, p_job_id uuid, p_bucket text, p_extension text, p_mime text, p_size bigint
) returns table (object_id uuid, name text, token text, size_bytes bigint, content_sha256 text)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
#variable_conflict use_column
declare
    v_job    record;
    v_object storage.objects;
begin
    if p_mime is null or p_size is null or p_size < 0 or not coalesce(p_extension ~ '^[a-z0-9]{1,10}$', false) then
        perform core.raise_error('PT422', 'invalid', 'An upload says its extension, its type and its size in bytes.');
    end if;
    select j.id, j.tenant_id, j.job_type, j.created_by
      into v_job
      from core.job_leases as l
      join core.all_jobs as j on j.started_at = l.claimed_at and j.locked_by = l.worker
     where l.id = p_lease
       and j.id = p_job_id
       and j.status = 'processing';
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The worker does not hold this job, or not any more.', '{"lease": "lost"}');
    end if;
    name := format('%s/%s.%s', coalesce(v_job.tenant_id::text, 'platform'), p_job_id, p_extension);

    insert into storage.objects as o (bucket_id, name, owner_id, size_bytes, mime_type, metadata)
    values (p_bucket, name, null, p_size, p_mime,
            jsonb_build_object('job_id', v_job.id, 'job_type', v_job.job_type, 'requested_by', v_job.created_by))
    on conflict (bucket_id, name) do nothing
    returning o.* into v_object;
    if not found then
        -- A member's reservation has an owner; a worker's has none.
        update storage.objects as o
           set size_bytes = case o.state when 'pending' then p_size else o.size_bytes end
         where o.bucket_id = p_bucket
           and o.name = create_job_upload.name
           and o.owner_id is null
           and o.state <> 'deleted'
        returning o.* into v_object;
        if not found then
            perform core.raise_error('PT409', 'conflict', 'There is a file of that name, which no worker made.', '{"name": "taken"}');
        end if;
    end if;

    object_id := v_object.id;
    if v_object.state = 'uploaded' then
        size_bytes := v_object.size_bytes;
        content_sha256 := v_object.content_sha256;
    else
        -- What an attempt before may still hold is worth nothing from here on.
        delete from storage.access_grants as g where g.object_id = v_object.id;
        select g.token into token from storage.create_grant(v_object.id, 'upload', 3600) as g;
    end if;
    return next;
end
$fn$;

alter function storage.create_job_upload(bigint, uuid, text, text, text, bigint) owner to app_definer;
revoke execute on function storage.create_job_upload(bigint, uuid, text, text, text, bigint) from public;
grant execute on function storage.create_job_upload(bigint, uuid, text, text, text, bigint) to app_worker;

comment on function storage.create_job_upload(bigint, uuid, text, text, text, bigint) is
    'Reserve <tenant>/<job>.<extension> in a bucket for the file a job makes, and get a token for storage.finish_upload, as the worker that '
    'holds the job; a job of the platform has the folder platform. Called again it gives a new token and ends the one before; once the file '
    'is uploaded it gives no token but size and hash. Errors: PT409 the lease is lost or the name taken, PT422 unknown bucket, wrong type, '
    'too large, malformed extension.';

-- What the caller may not read looks like what is not there.

create or replace function storage.create_signed_url(p_bucket text, p_name text, p_ttl_seconds integer default 3600)
returns table (path text, token text, expires_at timestamptz)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant    uuid := core.require_tenant();
    v_object_id uuid;
begin
    perform core.rate_limit_or_raise('signed_urls');
    select o.id
      into v_object_id
      from storage.objects as o
      join storage.buckets as b on b.id = o.bucket_id
     where o.bucket_id = p_bucket
       and o.name = p_name
       and o.state = 'uploaded'
       and (o.tenant_id = v_tenant or b.public);
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no such file.');
    end if;
    path := p_bucket || '/' || p_name;
    select g.token, g.expires_at into token, expires_at from storage.create_grant(v_object_id, 'read', p_ttl_seconds) as g;
    return next;
end
$fn$;

alter function storage.create_signed_url(text, text, integer) owner to app_definer;
revoke execute on function storage.create_signed_url(text, text, integer) from public;
grant execute on function storage.create_signed_url(text, text, integer) to app_user;

comment on function storage.create_signed_url(text, text, integer) is
    'A token to read one uploaded file of the active tenant, or of a public bucket, for up to an hour. Each call makes another. Errors: '
    'PT401 nobody is signed in, PT403 no tenant named, PT404 no such file, PT422 life out of range, '
    'PT429 too many calls (policy signed_urls).';

-- Reserves the name: the unique key decides between two who want it at once, and neither overwrites what is there.

create or replace function storage.create_upload(p_bucket text, p_name text, p_mime text, p_size bigint, p_ttl_seconds integer default 3600)
returns table (object_id uuid, path text, token text, expires_at timestamptz)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    perform core.rate_limit_or_raise('signed_urls');
    -- As text: a name is whatever the caller sends, and a tenant id in other words is another name.
    if p_name is null or not starts_with(p_name, v_tenant::text || '/')
       or p_name ~ '(\.\.|//|/$|/\.(/|$)|\\|[[:cntrl:]])' or length(p_name) > 1024 then
        perform core.raise_error('PT422', 'invalid', 'A name begins with the id of the active tenant and has no empty parts, "." or "..".',
                                 '{"name": "malformed"}');
    elsif p_mime is null or p_size is null or p_size < 0 then
        perform core.raise_error('PT422', 'invalid', 'An upload says its type and its size in bytes.', '{"size": "missing"}');
    end if;

    insert into storage.objects as o (bucket_id, name, owner_id, size_bytes, mime_type)
    values (p_bucket, p_name, core.current_user_id(), p_size, p_mime)
    on conflict (bucket_id, name) do nothing
    returning o.id into object_id;
    if object_id is null then
        perform core.raise_error('PT409', 'conflict', 'There is a file of that name, or somebody is uploading one.', '{"name": "taken"}');
    end if;
    path := p_bucket || '/' || p_name;
    select g.token, g.expires_at into token, expires_at from storage.create_grant(object_id, 'upload', p_ttl_seconds) as g;
    return next;
end
$fn$;

alter function storage.create_upload(text, text, text, bigint, integer) owner to app_definer;
revoke execute on function storage.create_upload(text, text, text, bigint, integer) from public;
grant execute on function storage.create_upload(text, text, text, bigint, integer) to app_user;

comment on function storage.create_upload(text, text, text, bigint, integer) is
    'Reserve a name in the active tenant''s folder and get a one-time token to upload it with, for up to an hour. A reservation that is '
    'not finished within a day is dropped. Not idempotent. Errors: PT401 nobody is signed in, PT403 no tenant named, PT409 the name is '
    'taken, PT422 malformed name, wrong type, too large, unknown bucket, or life out of range, '
    'PT429 too many calls (policy signed_urls).';

-- The row stays for a day, so that the bytes can be removed by whoever reads the channel storage; its name is free after that.

create or replace function storage.delete_object(p_bucket text, p_name text) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    perform core.require_permission('storage.manage');
    update storage.objects as o
       set state = 'deleted'
     where o.tenant_id = v_tenant and o.bucket_id = p_bucket and o.name = p_name and o.state <> 'deleted';
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no such file.');
    end if;
end
$fn$;

alter function storage.delete_object(text, text) owner to app_definer;
revoke execute on function storage.delete_object(text, text) from public;
grant execute on function storage.delete_object(text, text) to app_user;

comment on function storage.delete_object(text, text) is
    'Delete a file of the active tenant: its tokens end at once, its name is free after a day. Needs storage.manage. Not idempotent. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named or permission missing, PT404 no such file.';

-- The gateway's word that the bytes are there. Ends the life of the token, whether or not storage.redeem_grant was asked before.

create or replace function storage.finish_upload(p_token text, p_size bigint, p_sha256 text) returns storage.objects
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_object_id uuid;
    v_object    storage.objects;
begin
    if p_size is null or p_size < 0 or not coalesce(p_sha256 ~ '^[0-9a-fA-F]{64}$', false) then
        perform core.raise_error('PT422', 'invalid', 'A finished upload has a size in bytes and a SHA-256 in hexadecimal.');
    end if;

    delete from storage.access_grants as g
     where g.token_hash = encode(sha256(convert_to(p_token, 'UTF8')), 'hex')
       and g.mode = 'upload'
       and g.expires_at > clock_timestamp()
    returning g.object_id into v_object_id;
    update storage.objects as o
       set state = 'uploaded', size_bytes = p_size, content_sha256 = lower(p_sha256)
     where o.id = v_object_id and o.state = 'pending'
    returning o.* into v_object;
    if not found then
        perform core.raise_error('PT410', 'expired', 'The token is unknown, used or expired.');
    end if;
    return v_object;
end
$fn$;

alter function storage.finish_upload(text, bigint, text) owner to app_definer;
revoke execute on function storage.finish_upload(text, bigint, text) from public;
grant execute on function storage.finish_upload(text, bigint, text) to app_worker;

comment on function storage.finish_upload(text, bigint, text) is
    'Record that the bytes of an upload arrived, with their size and hash. Works once per token. Errors: PT410 unknown, used or expired, '
    'PT422 malformed size or hash, or larger than the bucket accepts.';

-- The folders of a path, for rules about them: storage.foldername('a/b/c.pdf') is {a,b}.

create or replace function storage.foldername(p_name text) returns text[]
    language sql immutable parallel safe
return (string_to_array(p_name, '/'))[1:cardinality(string_to_array(p_name, '/')) - 1];

revoke execute on function storage.foldername(text) from public;
grant execute on function storage.foldername(text) to app_user, app_readonly, app_worker, app_definer;

comment on function storage.foldername(text) is 'The parts of a path without the last; empty for a bare name, null for null. Errors: none.';

-- Rows another run holds are that run's: two at once share the work and neither waits.

create or replace function storage.purge_stale() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_objects integer;
    v_grants  integer;
begin
    delete from storage.objects as o
     where o.id = any (array(
        select stale.id
          from storage.objects as stale
         where stale.state <> 'uploaded'
           and stale.updated_at < clock_timestamp() - interval '24 hours'
           for update skip locked));
    get diagnostics v_objects = row_count;
    delete from storage.access_grants as g
     where g.token_hash = any (array(
        select stale.token_hash
          from storage.access_grants as stale
         where stale.expires_at < clock_timestamp()
           for update skip locked));
    get diagnostics v_grants = row_count;
    return v_objects + v_grants;
end
$fn$;

alter function storage.purge_stale() owner to app_definer;
revoke execute on function storage.purge_stale() from public;
grant execute on function storage.purge_stale() to app_owner;

comment on function storage.purge_stale() is
    'Drop reservations nobody finished and files deleted more than 24 hours ago, and tokens that expired; returns how many rows. '
    'Idempotent, safe in parallel. For cron. Errors: none.';

-- For the gateway that moves the bytes. The update is the check: of two who bring one upload token, one gets it. A read token may be
-- used again until it expires, because a reader that lost the connection asks again.

create or replace function storage.redeem_grant(p_token text) returns table (bucket_id text, name text, mode text)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    update storage.access_grants as g
       set used_at = coalesce(g.used_at, clock_timestamp())
      from storage.objects as o
     where g.token_hash = encode(sha256(convert_to(p_token, 'UTF8')), 'hex')
       and o.id = g.object_id
       and g.expires_at > clock_timestamp()
       and case g.mode when 'upload' then g.used_at is null and o.state = 'pending' else o.state = 'uploaded' end
    returning o.bucket_id, o.name, g.mode into bucket_id, name, mode;
    if not found then
        perform core.raise_error('PT410', 'expired', 'The token is unknown, used or expired.');
    end if;
    return next;
end
$fn$;

alter function storage.redeem_grant(text) owner to app_definer;
revoke execute on function storage.redeem_grant(text) from public;
grant execute on function storage.redeem_grant(text) to app_worker;

comment on function storage.redeem_grant(text) is
    'What a token allows: read an object until it expires, or upload one, once. Idempotent for read tokens only. Errors: PT410 unknown, '
    'used or expired, or the object is gone.';

-- The limits of a bucket hold for every way in: a reservation, a direct insert, and the size an upload turned out to have.

create or replace function storage.tg_check_object() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_bucket storage.buckets;
begin
    select b.* into v_bucket from storage.buckets as b where b.id = new.bucket_id;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such bucket.', '{"bucket": "unknown"}');
    elsif new.size_bytes > v_bucket.file_size_limit then
        perform core.raise_error('PT422', 'invalid', 'The file is larger than its bucket accepts.',
                                 jsonb_build_object('size', 'at most ' || v_bucket.file_size_limit || ' bytes')::text);
    end if;

    -- A type with parameters or in capitals could slip past a comparison.
    new.mime_type := lower(new.mime_type);
    if new.mime_type !~ '^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*$'
       -- an image that can carry script
       or new.mime_type ~ '^image/svg'
       or not (new.mime_type = any (v_bucket.allowed_mime_types) or split_part(new.mime_type, '/', 1) || '/*' = any (v_bucket.allowed_mime_types)) then
        perform core.raise_error('PT422', 'invalid', 'The bucket does not accept files of this type.',
                                 jsonb_build_object('mime', 'one of ' || array_to_string(v_bucket.allowed_mime_types, ', ') || ', not image/svg+xml')::text);
    end if;
    return new;
end
$fn$;

revoke execute on function storage.tg_check_object() from public;

comment on function storage.tg_check_object() is
    'Trigger BEFORE INSERT OR UPDATE: size and type as the bucket accepts them, the type in lower case. Errors: PT422 too large, wrong '
    'type, no such bucket.';

-- storage.access_grants: closed to every application role; a token is looked up by the functions that redeem it.

alter table storage.access_grants enable row level security;
alter table storage.access_grants force row level security;

create policy system_all on storage.access_grants
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on storage.access_grants
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on storage.access_grants is 'Owner and definer functions see every row.';
comment on policy closed on storage.access_grants is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- storage.buckets: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table storage.buckets enable row level security;
alter table storage.buckets force row level security;

create policy system_all on storage.buckets
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on storage.buckets
    for select to app_user, app_readonly, app_worker
    using (true);

comment on policy system_all on storage.buckets is 'Owner and definer functions see every row.';
comment on policy select_all on storage.buckets is 'Limits are the same for everybody.';

grant select on storage.buckets to app_user, app_readonly, app_worker;

-- storage.objects: members work with the files of the active tenant, everybody reads what is in public buckets. Who holds
-- storage.manage deletes.

alter table storage.objects enable row level security;
alter table storage.objects force row level security;

create policy system_all on storage.objects
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on storage.objects
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()) or bucket_id = any ((select storage.public_bucket_ids())::text[]));

create policy insert_members on storage.objects
    for insert to app_user
    with check (tenant_id = (select core.active_tenant_id()) and owner_id = (select core.current_user_id()));

create policy update_members on storage.objects
    for update to app_user
    using (tenant_id = (select core.active_tenant_id()))
    with check (tenant_id = (select core.active_tenant_id()));

create policy delete_managers on storage.objects
    for delete to app_user
    using (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('storage.manage')));

comment on policy system_all on storage.objects is 'Owner and definer functions see every row.';
comment on policy select_members on storage.objects is 'Members see the files of the active tenant, and everybody those in public buckets.';
comment on policy insert_members on storage.objects is 'Members reserve names below the id of the active tenant, for themselves.';
comment on policy update_members on storage.objects is 'Members change what is said about files of the active tenant.';
comment on policy delete_managers on storage.objects is 'Who holds storage.manage deletes files of the active tenant.';

grant select on storage.objects to app_user, app_readonly;
-- No state: an object is uploaded when storage.finish_upload says so.
grant insert (bucket_id, name, owner_id, size_bytes, mime_type, is_encrypted, key_id, metadata) on storage.objects to app_user;
-- No name: a file never moves to another tenant. No size or type: they were checked when the name was reserved.
grant update (metadata) on storage.objects to app_user;
grant delete on storage.objects to app_user;

create trigger _150_check_object
    before insert or update of size_bytes, mime_type on storage.objects
    for each row execute function storage.tg_check_object();

create trigger _300_touch_updated_at
    before update on storage.objects
    for each row execute function core.tg_touch_updated_at();

-- Whoever keeps the bytes follows: a deleted row means bytes to remove.
create trigger _600_outbox_update
    after update on storage.objects
    referencing new table as changed_rows
    for each statement execute function core.tg_outbox('storage', 'tenant_id', '{id}', '{bucket_id,name,size_bytes,mime_type,state}');

create trigger _600_outbox_delete
    after delete on storage.objects
    referencing old table as changed_rows
    for each statement execute function core.tg_outbox('storage', 'tenant_id', '{id}', '{bucket_id,name,size_bytes,mime_type,state}');

-- migrate:down

drop trigger _600_outbox_delete on storage.objects;
drop trigger _600_outbox_update on storage.objects;
drop trigger _300_touch_updated_at on storage.objects;
drop trigger _150_check_object on storage.objects;
drop policy delete_managers on storage.objects;
drop policy update_members on storage.objects;
drop policy insert_members on storage.objects;
drop policy select_members on storage.objects;
drop policy system_all on storage.objects;

drop policy select_all on storage.buckets;
drop policy system_all on storage.buckets;

drop policy closed on storage.access_grants;
drop policy system_all on storage.access_grants;

drop function storage.redeem_grant(text);
drop function storage.purge_stale();
drop function storage.foldername(text);
drop function storage.finish_upload(text, bigint, text);
drop function storage.delete_object(text, text);
drop function storage.create_upload(text, text, text, bigint, integer);
drop function storage.create_signed_url(text, text, integer);
drop function storage.create_job_upload(bigint, uuid, text, text, text, bigint);
drop function storage.create_grant(uuid, text, integer);
drop function storage.public_bucket_ids();
drop table storage.access_grants;
drop table storage.objects;
drop table storage.buckets;
drop function storage.tg_check_object();
drop schema storage;

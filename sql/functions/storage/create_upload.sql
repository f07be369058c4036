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

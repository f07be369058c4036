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

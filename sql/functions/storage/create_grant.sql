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

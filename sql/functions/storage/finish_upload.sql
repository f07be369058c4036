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

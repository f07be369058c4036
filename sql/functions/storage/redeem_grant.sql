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

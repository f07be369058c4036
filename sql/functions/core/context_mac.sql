-- Two nested hashes with two independent 64-byte secret blocks (the inner and the outer half of the key): HMAC's construction, on the
-- server's own sha256. A sealed message has one slash, since uuids have none, so no two contexts share a message.
-- SQL_ASCII stands for the bytes as they are: a conversion could raise on garbage in the settings.

create or replace function core.context_mac(
    p_key bytea, p_user_id text, p_tenant_id text, p_backend_pid integer, p_started_at timestamptz
) returns text
    language sql stable parallel safe
return encode(
    sha256(
        substr(p_key, 65, 64)
        || sha256(
            substr(p_key, 1, 64)
            || convert_to(p_user_id || '/' || p_tenant_id, 'SQL_ASCII')
            || int4send(p_backend_pid)
            || timestamptz_send(p_started_at))),
    'hex');

alter function core.context_mac(bytea, text, text, integer, timestamptz) owner to app_definer;
revoke execute on function core.context_mac(bytea, text, text, integer, timestamptz) from public;

comment on function core.context_mac(bytea, text, text, integer, timestamptz) is
    'MAC of a context under a 128-byte key: user, tenant, backend and start of the transaction. Internal. Errors: none.';

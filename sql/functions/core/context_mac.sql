-- The key comes first and fills one block of the hash. A secret prefix alone would let whoever has a MAC extend its message, were the MAC
-- the whole state of the hash; sha384 keeps a quarter of the state of sha512 back, 128 bits, and without them nothing can be extended.
-- One hash of one message: what a transaction pays is mostly the number of calls.
-- A sealed message has one slash, since uuids have none, and ends with twelve bytes of fixed meaning, so no two contexts share a message.
-- SQL_ASCII stands for the bytes as they are: a conversion could raise on garbage in the settings.

create or replace function core.context_mac(
    p_key bytea, p_user_id text, p_tenant_id text, p_backend_pid integer, p_started_at timestamptz
) returns text
    language sql stable parallel safe
return encode(
    sha384(
        p_key
        || convert_to(p_user_id || '/' || p_tenant_id, 'SQL_ASCII')
        || int4send(p_backend_pid)
        || timestamptz_send(p_started_at)),
    'hex');

alter function core.context_mac(bytea, text, text, integer, timestamptz) owner to app_definer;
revoke execute on function core.context_mac(bytea, text, text, integer, timestamptz) from public;

comment on function core.context_mac(bytea, text, text, integer, timestamptz) is
    'MAC of a context under a 128-byte key: user, tenant, backend and start of the transaction. Internal. Errors: none.';

-- A response too large to keep is the caller's mistake, found in the first run: store what the answer is made from, not a document.

create or replace function core.idempotent_finish(p_scope text, p_key text, p_response jsonb, p_attempt integer default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant   uuid := core.require_tenant();
    -- nothing to answer is an answer, too
    v_response jsonb := coalesce(p_response, 'null');
begin
    if octet_length(v_response::text) > 65536 then
        perform core.raise_error('PT422', 'invalid', 'The response is too large to be kept.', '{"response": "is over 65536 bytes"}');
    end if;
    update core.idempotency_keys as k
       set response = v_response
     where k.tenant_id = v_tenant
       and k.scope = p_scope
       and k.idempotency_key = p_key
       and k.attempt = coalesce(p_attempt, k.attempt)
       and (k.response is null or k.response = v_response);
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The request is not in progress, or somebody else took it over.');
    end if;
end
$fn$;

alter function core.idempotent_finish(text, text, jsonb, integer) owner to app_definer;
revoke execute on function core.idempotent_finish(text, text, jsonb, integer) from public;
grant execute on function core.idempotent_finish(text, text, jsonb, integer) to app_user;

comment on function core.idempotent_finish(text, text, jsonb, integer) is
    'Store the response of a request that core.idempotent_begin or core.idempotency_claim let go on; name the attempt when that was in an '
    'earlier transaction. Idempotent. Errors: PT409 not in progress or taken over, PT422 over 64 kB, PT401 nobody is signed in, PT403 no '
    'tenant named.';

create or replace function core.idempotent_release(p_scope text, p_key text, p_attempt integer) returns boolean
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    delete from core.idempotency_keys as k
     where k.tenant_id = v_tenant
       and k.scope = p_scope
       and k.idempotency_key = p_key
       and k.attempt = p_attempt
       and k.response is null;
    return found;
end
$fn$;

alter function core.idempotent_release(text, text, integer) owner to app_definer;
revoke execute on function core.idempotent_release(text, text, integer) from public;
grant execute on function core.idempotent_release(text, text, integer) to app_user;

comment on function core.idempotent_release(text, text, integer) is
    'Give up a request begun in an earlier transaction, so that the next try need not wait for the lease; false when it was not in progress '
    'or is somebody else''s now. Idempotent. Errors: PT401 nobody is signed in, PT403 no tenant named.';

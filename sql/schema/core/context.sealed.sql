-- Context, mode sealed: core.set_context checks the membership once and seals the settings; a setting written by hand has no seal
-- and reads as null. The seal (core.context_mac) holds in one transaction of one backend, for one user and tenant. The transactions of
-- one message of the simple protocol start at one time and count as one: whoever sends them could as well keep the first one open.
-- Policies call these as (select core.active_tenant_id()), so each runs once per statement. Both never raise: with garbage in the
-- settings the MAC differs, and nothing is cast before it was compared.

create function core.set_context(
    p_user_id uuid, p_tenant_id uuid default null, p_request_id text default null, p_client_ip text default null
) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    -- One statement: what a transaction pays for a function is mostly the number of its statements.
    perform set_config('app.user_id', p_user_id::text, true),
            set_config('app.tenant_id', coalesce(p_tenant_id::text, ''), true),
            set_config('app.request_id', coalesce(p_request_id, ''), true),
            set_config('app.client_ip', coalesce(p_client_ip, ''), true),
            set_config(
                'app.seal',
                k.id || '.' || core.context_mac(
                    k.key, p_user_id::text, coalesce(p_tenant_id::text, ''), pg_backend_pid(), transaction_timestamp()),
                true)
       from core.may_enter(p_user_id, p_tenant_id) cross join core.context_keys as k
      -- "is null" would go through the unique index, which costs more than the page this table has
      where num_nulls(k.retired_at) = 1;
    if not found then
        -- raises, unless it is the key that is missing
        perform core.check_access(p_user_id, p_tenant_id);
        perform core.ensure_context_key()
           where not exists (select from core.context_keys as k where k.retired_at is null);
        perform core.set_context(p_user_id, p_tenant_id, p_request_id, p_client_ip);
    end if;
end
$fn$;

alter function core.set_context(uuid, uuid, text, text) owner to app_definer;
revoke execute on function core.set_context(uuid, uuid, text, text) from public;

comment on function core.set_context(uuid, uuid, text, text) is
    'Name the person and the tenant of this transaction; call it first after BEGIN. Both end with the transaction. Idempotent. '
    'Errors: PT401 unknown or inactive user, PT403 not an active member of an active tenant, PT503 no context key.';

create function core.active_tenant_id() returns uuid
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant_id uuid;
begin
    select nullif(current_setting('app.tenant_id', true), '')::uuid into v_tenant_id from core.seal_holds();
    return v_tenant_id;
end
$fn$;

alter function core.active_tenant_id() owner to app_definer;
revoke execute on function core.active_tenant_id() from public;
grant execute on function core.active_tenant_id()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.active_tenant_id() is
    'The tenant of this transaction while its seal holds, else null. The one value policies compare the tenant column with. Errors: none.';

create function core.current_user_id() returns uuid
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid;
begin
    select nullif(current_setting('app.user_id', true), '')::uuid into v_user_id from core.seal_holds();
    return v_user_id;
end
$fn$;

alter function core.current_user_id() owner to app_definer;
revoke execute on function core.current_user_id() from public;
grant execute on function core.current_user_id()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.current_user_id() is
    'The person of this transaction while the seal holds, else null. Errors: none.';

create function core.current_tenant_id() returns uuid
    language sql stable parallel restricted
return core.active_tenant_id();

revoke execute on function core.current_tenant_id() from public;
grant execute on function core.current_tenant_id()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.current_tenant_id() is
    'The tenant of this transaction under the name domain code uses; policies say core.active_tenant_id(). Errors: none.';

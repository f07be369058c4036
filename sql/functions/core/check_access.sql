-- One error for an unknown and for a foreign tenant, one for an unknown and for an inactive person: nothing here tells what exists.

create or replace function core.check_access(p_user_id uuid, p_tenant_id uuid) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if exists (select from core.may_enter(p_user_id, p_tenant_id)) then
        return;
    end if;
    if not exists (select from core.may_enter(p_user_id, null)) then
        perform core.raise_error('PT401', 'unauthenticated', 'The user is unknown or inactive.');
    end if;
    perform core.raise_error('PT403', 'forbidden', 'The user is not an active member of this tenant.');
end
$fn$;

alter function core.check_access(uuid, uuid) owner to app_definer;
revoke execute on function core.check_access(uuid, uuid) from public;

comment on function core.check_access(uuid, uuid) is
    'Refuse a person who may not act, or not in this tenant (null: no tenant asked for). Internal. '
    'Errors: PT401 unknown or inactive user, PT403 not an active member of an active tenant.';

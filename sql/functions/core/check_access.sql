-- One error for an unknown and for a foreign tenant, one for an unknown and for an inactive person: nothing here tells what exists.

create or replace function core.check_access(p_user_id uuid, p_tenant_id uuid) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_is_member boolean;
begin
    select t.id is not null
      into v_is_member
      from core.users as u
      left join (core.memberships as m join core.tenants as t on t.id = m.tenant_id and t.status = 'active' and t.deleted_at is null)
        on m.user_id = u.id and m.tenant_id = p_tenant_id and m.status = 'active'
     where u.id = p_user_id
       and u.is_active;
    if not found then
        perform core.raise_error('PT401', 'unauthenticated', 'The user is unknown or inactive.');
    end if;
    if p_tenant_id is not null and not v_is_member then
        perform core.raise_error('PT403', 'forbidden', 'The user is not an active member of this tenant.');
    end if;
end
$fn$;

alter function core.check_access(uuid, uuid) owner to app_definer;
revoke execute on function core.check_access(uuid, uuid) from public;

comment on function core.check_access(uuid, uuid) is
    'Refuse a person who may not act, or not in this tenant (null: no tenant asked for). Internal. '
    'Errors: PT401 unknown or inactive user, PT403 not an active member of an active tenant.';

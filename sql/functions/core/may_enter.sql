-- A set and not a boolean: a set-returning function is planned as a part of the statement that calls it, so core.set_context checks,
-- writes and seals in one. Three look-ups by key, each skipped when one before it found nothing.

create or replace function core.may_enter(p_user_id uuid, p_tenant_id uuid) returns setof boolean
    language sql stable
begin atomic
    select true
     where exists (select from core.users as u where u.id = p_user_id and u.is_active)
       and (p_tenant_id is null
            or exists (
                select from core.memberships as m
                 where m.tenant_id = p_tenant_id and m.user_id = p_user_id and m.status = 'active')
               and exists (
                select from core.tenants as t
                 where t.id = p_tenant_id and t.status = 'active' and t.deleted_at is null));
end;

alter function core.may_enter(uuid, uuid) owner to app_definer;
revoke execute on function core.may_enter(uuid, uuid) from public;

comment on function core.may_enter(uuid, uuid) is
    'One row when a person is active and, where a tenant is named, an active member of it while it is active; else none. Internal. '
    'Errors: none.';

-- Who shares an entry is the policy's, not the caller's, so that a value one role may see is never another's answer.

create or replace function core.cache_room(p_name text, out room uuid, out variant text, out policy core.cache_policies)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    select p.* into policy from core.cache_policies as p where p.name = p_name;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such cache policy.', '{"name": "is not known"}');
    end if;

    variant := '';
    if policy.varies_by = 'person' then
        room := core.require_user();
        return;
    end if;
    room := coalesce(core.active_tenant_id(), core.require_tenant());
    if policy.varies_by = 'user' then
        variant := core.current_user_id()::text;
    elsif policy.varies_by = 'role' then
        select m.role_key
          into variant
          from core.memberships as m
         where m.tenant_id = room
           and m.user_id = core.current_user_id();
    end if;
end
$fn$;

alter function core.cache_room(text) owner to app_definer;
revoke execute on function core.cache_room(text) from public;

comment on function core.cache_room(text) is
    'Where the caller''s entries of a policy are: the tenant or the person, and the role or user that shares them. Internal. Errors: PT422 '
    'no such policy, PT401 nobody is signed in, PT403 no tenant named.';

-- rental.get_user_roles: what a person is on the landlord platform, in one statement.

-- Definer: the answer draws on rows of every landlord the person has to do with.
-- Kept for five minutes in the person's own room of the cache; triggers on the three tables make it stale at once.
create or replace function rental.get_user_roles(p_user_id uuid default null) returns text[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_caller  uuid := core.require_user();
    v_user_id uuid := coalesce(p_user_id, v_caller);
    v_cached  jsonb;
    v_roles   text[];
begin
    if v_user_id <> v_caller
       and not exists (
           select
             from core.users as u
            where u.id = v_caller
              and u.platform_role = 'super_admin')
    then
        perform core.raise_error('PT403', 'forbidden', 'Only platform administrators may ask for the roles of others.');
    end if;

    v_cached := core.cache_read(v_user_id, 'user_roles', 'all');
    if v_cached is not null then
        return array(select role.key from jsonb_array_elements_text(v_cached) with ordinality as role (key, n) order by role.n);
    end if;

    -- Someone who is nothing else is what their profile says; without a profile, nothing.
    v_roles := (
        select coalesce(
                   nullif(array_remove(array[
                       case when p.role = 'ADMIN' then 'ADMIN' end,
                       case when p.role = 'OWNER'
                              or exists (select from rental.units as u where u.owner_user_id = asked.user_id)
                            then 'OWNER' end,
                       case when exists (select from rental.tenants as t where t.user_id = asked.user_id)
                            then 'TENANT' end
                   ], null), '{}'),
                   case when p.role is not null then array[p.role] end,
                   '{}')
          from (select v_user_id as user_id) as asked
          left join rental.user_profiles as p
            on p.user_id = asked.user_id);
    perform core.cache_write(v_user_id, 'user_roles', 'all', '', to_jsonb(v_roles));
    return v_roles;
end
$fn$;

alter function rental.get_user_roles(uuid) owner to app_definer;

revoke execute on function rental.get_user_roles(uuid) from public;
grant execute on function rental.get_user_roles(uuid) to app_user;

comment on function rental.get_user_roles(uuid) is
    'The roles of the caller, or for platform administrators of anyone: ADMIN, OWNER, TENANT; empty for an unknown user. '
    'Idempotent. Errors: PT401 not signed in, PT403 roles of another.';

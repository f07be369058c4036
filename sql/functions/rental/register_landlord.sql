-- rental.register_landlord: a signed-in user becomes a landlord, that is, a tenant of their own.

-- Definer: nobody else may create tenants, memberships or roles.
create or replace function rental.register_landlord(p_company_name text) returns rental.user_profiles
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.require_user();
    v_profile rental.user_profiles;
begin
    if coalesce(btrim(p_company_name), '') = '' then
        perform core.raise_error('PT422', 'invalid', 'A landlord has a company name.', '{"company_name": "must not be blank"}');
    end if;

    insert into core.tenants (id, system, name, owner_user_id)
    values (v_user_id, 'rental', btrim(p_company_name), v_user_id)
    on conflict (id) do nothing;

    insert into core.memberships (tenant_id, user_id, role_key, status, joined_at)
    values (v_user_id, v_user_id, 'OWNER', 'active', now())
    on conflict (tenant_id, user_id) do nothing;

    insert into rental.user_profiles (user_id)
    values (v_user_id)
    on conflict (user_id) do nothing;

    -- Only the first call moves the wizard on; later ones leave it where the user left it.
    update rental.user_profiles as p
       set role = case when p.role = 'ADMIN' then p.role else 'OWNER' end,
           company_name = btrim(p_company_name),
           onboarding_step = 'company'
     where p.user_id = v_user_id
       and p.onboarding_step = 'account';

    select p.* into strict v_profile
      from rental.user_profiles as p
     where p.user_id = v_user_id;
    return v_profile;
end
$fn$;

alter function rental.register_landlord(text) owner to app_definer;

revoke execute on function rental.register_landlord(text) from public;
grant execute on function rental.register_landlord(text) to app_user;

comment on function rental.register_landlord(text) is
    'Make the caller a landlord: tenant and membership under their own id, role OWNER, wizard at step company. Idempotent: '
    'a second call changes nothing. Errors: PT401 not signed in, PT422 blank company name.';

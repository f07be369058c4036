-- rental.complete_onboarding_step: the landlord finishes the current step of the sign-up wizard.

-- Definer: the wizard's columns have no update grant, so that this order is the only one.
create or replace function rental.complete_onboarding_step(p_step text, p_data jsonb default '{}')
    returns rental.user_profiles
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.require_user();
    v_profile rental.user_profiles;
begin
    select p.* into v_profile
      from rental.user_profiles as p
     where p.user_id = v_user_id
       for update;

    if not found or v_profile.onboarding_step = 'account' then
        perform core.raise_error('PT403', 'forbidden', 'The caller is not registered as a landlord.',
            '{"onboarding_step": "account"}');
    end if;
    -- A context without a tenant was not checked against it: who may not enter the tenant writes nothing into it.
    if not core.is_member(v_user_id) then
        perform core.raise_error('PT403', 'forbidden', 'The landlord''s account is not active.');
    end if;
    if p_step is distinct from v_profile.onboarding_step or v_profile.onboarding_completed then
        perform core.raise_error('PT409', 'conflict', 'Another step of the wizard comes next.',
            jsonb_build_object('onboarding_step', v_profile.onboarding_step)::text);
    end if;

    case p_step
        when 'company' then
            perform rental.require_patch(p_data, array['company_name']);
            v_profile.company_name := btrim(coalesce(p_data ->> 'company_name', v_profile.company_name));
            if coalesce(v_profile.company_name, '') = '' then
                perform core.raise_error('PT422', 'invalid', 'A landlord has a company name.',
                    '{"company_name": "must not be blank"}');
            end if;
            update core.tenants as t
               set name = v_profile.company_name
             where t.id = v_user_id;
            v_profile.onboarding_step := 'first_property';

        when 'first_property' then
            perform rental.require_patch(p_data,
                array['name', 'address1', 'address2', 'city', 'state', 'postal_code', 'external_ref']);
            if p_data <> '{}' then
                insert into rental.units (owner_user_id, name, address1, address2, city, state, postal_code, external_ref)
                select v_user_id, u.name, u.address1, u.address2, u.city, u.state, u.postal_code, u.external_ref
                  from jsonb_populate_record(null::rental.units, p_data) as u;
            elsif not exists (select from rental.units as u where u.owner_user_id = v_user_id) then
                perform core.raise_error('PT422', 'invalid', 'A landlord has at least one unit.',
                    '{"name": "describe the first unit"}');
            end if;
            v_profile.onboarding_step := 'done';
    end case;

    update rental.user_profiles as p
       set company_name = v_profile.company_name,
           onboarding_step = v_profile.onboarding_step,
           onboarding_completed = (v_profile.onboarding_step = 'done')
     where p.user_id = v_user_id
    returning p.* into v_profile;
    return v_profile;
end
$fn$;

alter function rental.complete_onboarding_step(text, jsonb) owner to app_definer;

revoke execute on function rental.complete_onboarding_step(text, jsonb) from public;
grant execute on function rental.complete_onboarding_step(text, jsonb) to app_user;

comment on function rental.complete_onboarding_step(text, jsonb) is
    'Complete the current wizard step with its data and move to the next: company {company_name}, then first_property {a '
    'unit, or empty when one exists}, then done. Not idempotent: steps go forward only. Errors: PT400 data is not an '
    'object, PT401 not signed in, PT403 not a landlord or a suspended one, PT409 another step comes next, named in the '
    'hint, PT422 bad data, 23502 a unit value is missing.';

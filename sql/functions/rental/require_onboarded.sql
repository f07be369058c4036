-- rental.require_onboarded: the gate for what a landlord may do only after the sign-up wizard.

create or replace function rental.require_onboarded() returns void
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.require_user();
    v_step    text;
begin
    select p.onboarding_step into v_step
      from rental.user_profiles as p
     where p.user_id = v_user_id;

    if v_step is distinct from 'done' then
        perform core.raise_error('PT403', 'forbidden', 'The sign-up wizard is not finished.',
            jsonb_build_object('onboarding_step', coalesce(v_step, 'account'))::text);
    end if;
end
$fn$;

revoke execute on function rental.require_onboarded() from public;
grant execute on function rental.require_onboarded() to app_user;

comment on function rental.require_onboarded() is
    'Refuse a caller who has not finished the sign-up wizard, naming the step to go to. Reads only. Errors: PT401 not '
    'signed in, PT403 not onboarded.';

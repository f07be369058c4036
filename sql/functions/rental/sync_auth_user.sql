-- rental.sync_auth_user: the auth provider's webhook announces a user.

-- Definer: the worker holds no grants on people and profiles.
create or replace function rental.sync_auth_user(p_auth_subject text, p_email text, p_name text) returns core.users
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user core.users;
begin
    v_user := core.upsert_user(p_auth_subject, p_email, p_name, null);

    -- A new profile is a renter's; being a landlord takes rental.register_landlord().
    insert into rental.user_profiles (user_id)
    values (v_user.id)
    on conflict (user_id) do nothing;
    return v_user;
end
$fn$;

alter function rental.sync_auth_user(text, text, text) owner to app_definer;

revoke execute on function rental.sync_auth_user(text, text, text) from public;
grant execute on function rental.sync_auth_user(text, text, text) to app_worker;

comment on function rental.sync_auth_user(text, text, text) is
    'Create or update the user of an auth subject, with a profile, and return it. Idempotent. Errors: those of '
    'core.upsert_user().';

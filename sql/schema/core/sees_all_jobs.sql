-- current_user is the caller here: the function is no definer.

create function core.sees_all_jobs() returns boolean
    language sql stable parallel safe
    set search_path = pg_catalog, pg_temp
return pg_has_role('app_platform_admin', 'usage') or pg_has_role('app_definer', 'usage');

revoke execute on function core.sees_all_jobs() from public;
grant execute on function core.sees_all_jobs()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.sees_all_jobs() is 'Whether the caller is a platform administrator, the owner or a definer. Errors: none.';

create or replace function core.epoch_us(p_at timestamptz) returns bigint
    language sql immutable parallel safe
return (extract(epoch from p_at) * 1000000)::bigint;

revoke execute on function core.epoch_us(timestamptz) from public;
grant execute on function core.epoch_us(timestamptz)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.epoch_us(timestamptz) is 'Microseconds since 1970. Errors: none.';

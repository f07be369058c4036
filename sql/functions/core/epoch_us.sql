-- STABLE as extract() is, or it would not be inlined. Since Postgres's own epoch, so that a place in a lane has the very bytes of the time it stands for: an envelope then holds them once.

create or replace function core.epoch_us(p_at timestamptz) returns bigint
    language sql stable parallel safe
return (extract(epoch from p_at) * 1000000)::bigint - 946684800000000;

revoke execute on function core.epoch_us(timestamptz) from public;
grant execute on function core.epoch_us(timestamptz)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.epoch_us(timestamptz) is 'Microseconds since 2000-01-01 UTC. Errors: none.';

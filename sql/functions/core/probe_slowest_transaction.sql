-- A dump is one long transaction by nature.

create or replace function core.probe_slowest_transaction(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select coalesce(max(extract(epoch from clock_timestamp() - a.xact_start)), 0) * 1000
          from pg_stat_activity as a
         where a.backend_type = 'client backend'
           and a.pid <> pg_backend_pid()
           and a.usename <> 'dbkit_backup');
end
$fn$;

revoke execute on function core.probe_slowest_transaction(integer, text) from public;
grant execute on function core.probe_slowest_transaction(integer, text) to app_definer;

comment on function core.probe_slowest_transaction(integer, text) is
    'Probe: age of the oldest open transaction in milliseconds, backups left out. Errors: none.';

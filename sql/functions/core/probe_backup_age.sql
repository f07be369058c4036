create or replace function core.probe_backup_age(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select coalesce(extract(epoch from clock_timestamp() - max(b.finished_at)) / 3600, 'Infinity')
          from core.backup_runs as b
         where b.ok);
end
$fn$;

revoke execute on function core.probe_backup_age(integer, text) from public;
grant execute on function core.probe_backup_age(integer, text) to app_definer;

comment on function core.probe_backup_age(integer, text) is
    'Probe: hours since the last successful backup, Infinity when there never was one. Errors: none.';

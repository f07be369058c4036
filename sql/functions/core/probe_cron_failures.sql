create or replace function core.probe_cron_failures(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select count(*)
          from core.cron_status as s
         where s.is_enabled
           and (s.last_ok = false
                -- a session that died wrote no end
                or (s.last_started_at < clock_timestamp() - interval '1 hour' and s.last_finished_at is null)));
end
$fn$;

revoke execute on function core.probe_cron_failures(integer, text) from public;
grant execute on function core.probe_cron_failures(integer, text) to app_definer;

comment on function core.probe_cron_failures(integer, text) is
    'Probe: scheduled jobs whose last run failed, or began an hour ago and has not ended. Errors: none.';

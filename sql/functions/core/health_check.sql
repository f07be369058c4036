-- For a load balancer: a few index look-ups and counters, no business table, nothing that grows with the data. Whoever asks learns the
-- state of each service and no more.

create or replace function core.health_check() returns jsonb
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_late     constant interval := '5 minutes';
    v_services jsonb := '{"database": "healthy"}';
    v_service  text;
    v_is_well  boolean;
    v_is_down  boolean;
begin
    foreach v_service in array array['queue', 'cache', 'cron', 'migrations'] loop
        v_is_well := false;
        begin
            case v_service
                when 'queue' then
                    -- a lease that ran out and nobody took back: its worker died and no other lives
                    v_is_well := not exists (
                        select from core.job_leases as l where l.lease_until < clock_timestamp() - c_late);
                when 'cache' then
                    -- unlogged, so a replica has none to ask
                    if not pg_is_in_recovery() then
                        perform from core.cache_entries as e limit 1;
                    end if;
                    v_is_well := true;
                when 'cron' then
                    -- something runs each minute, so silence means that the scheduler is gone
                    v_is_well := coalesce(
                        (select r.started_at > clock_timestamp() - c_late from core.cron_runs as r order by r.id desc limit 1), false);
                when 'migrations' then
                    v_is_well := not exists (select from dbkit.migrations as m where m.state in ('partial', 'reverting'));
            end case;
        exception
            -- a service that cannot be asked is not well, and that is the answer
            when others then v_is_well := false;
        end;
        v_services := v_services || jsonb_build_object(v_service, case when v_is_well then 'healthy' else 'unhealthy' end);
    end loop;

    v_is_down := exists (select from jsonb_each_text(v_services) as service where service.value <> 'healthy');
    return jsonb_build_object(
        'status', case when v_is_down then 'degraded' else 'healthy' end,
        'code', case when v_is_down then 503 else 200 end,
        'timestamp', clock_timestamp(),
        'services', v_services);
end
$fn$;

alter function core.health_check() owner to app_definer;
revoke execute on function core.health_check() from public;
grant execute on function core.health_check()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, dbkit_backup;

comment on function core.health_check() is
    'Whether the installation works: {status: healthy or degraded, code: 200 or 503, timestamp, services: {database, queue, cache, cron, '
    'migrations}}. One service that is not healthy degrades the whole. Reads only. Errors: none.';

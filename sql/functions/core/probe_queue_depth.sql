create or replace function core.probe_queue_depth(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select coalesce(sum(h.ready), 0) from core.queue_health as h where h.job_type = p_argument or p_argument is null);
end
$fn$;

revoke execute on function core.probe_queue_depth(integer, text) from public;
grant execute on function core.probe_queue_depth(integer, text) to app_definer;

comment on function core.probe_queue_depth(integer, text) is
    'Probe: jobs that wait for a worker, of type p_argument or of all. Errors: none.';

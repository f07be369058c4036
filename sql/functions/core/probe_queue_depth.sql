-- A mail server that is down lets every message be tried and put off: who waits for a retry counts, who waits for a date does not.

create or replace function core.probe_queue_depth(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select coalesce(sum(h.ready + h.retrying), 0)
          from core.queue_health as h
         where p_argument is null
            or h.job_type = any (string_to_array(p_argument, ',')));
end
$fn$;

revoke execute on function core.probe_queue_depth(integer, text) from public;
grant execute on function core.probe_queue_depth(integer, text) to app_definer;

comment on function core.probe_queue_depth(integer, text) is
    'Probe: jobs that wait for a worker or for another attempt, of the types p_argument lists between commas, or of all. Errors: none.';

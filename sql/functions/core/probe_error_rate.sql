-- Requests are the samples of a metric: whoever measures response times has counted them.

create or replace function core.probe_error_rate(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_requests bigint := (
        select count(*)
          from core.metric_samples as s
         where s.name = coalesce(p_argument, 'response_ms')
           and s.created_at > clock_timestamp() - make_interval(mins => p_minutes));
begin
    return 100 * core.probe_errors(p_minutes) / nullif(v_requests, 0);
end
$fn$;

revoke execute on function core.probe_error_rate(integer, text) from public;
grant execute on function core.probe_error_rate(integer, text) to app_definer;

comment on function core.probe_error_rate(integer, text) is
    'Probe: errors in the last p_minutes, in percent of the samples of metric p_argument (response_ms); null without samples. Errors: none.';

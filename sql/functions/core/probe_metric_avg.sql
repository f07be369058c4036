create or replace function core.probe_metric_avg(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select avg(s.value)
          from core.metric_samples as s
         where s.name = p_argument
           and s.created_at > clock_timestamp() - make_interval(mins => p_minutes));
end
$fn$;

revoke execute on function core.probe_metric_avg(integer, text) from public;
grant execute on function core.probe_metric_avg(integer, text) to app_definer;

comment on function core.probe_metric_avg(integer, text) is
    'Probe: mean of metric p_argument in the last p_minutes, such as the processor of the host; null without samples. Errors: none.';

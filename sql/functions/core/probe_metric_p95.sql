create or replace function core.probe_metric_p95(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select percentile_cont(0.95) within group (order by s.value)
          from core.metric_samples as s
         where s.name = p_argument
           and s.created_at > clock_timestamp() - make_interval(mins => p_minutes));
end
$fn$;

revoke execute on function core.probe_metric_p95(integer, text) from public;
grant execute on function core.probe_metric_p95(integer, text) to app_definer;

comment on function core.probe_metric_p95(integer, text) is
    'Probe: 95th percentile of metric p_argument in the last p_minutes; null without samples. Errors: none.';

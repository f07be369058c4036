create or replace function core.metric_history(p_name text, p_since interval default '24 hours')
returns table (hour timestamptz, labels jsonb, samples bigint, avg double precision, p50 double precision, p95 double precision, p99 double precision)
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
        select h.hour, h.labels, h.samples, h.avg, h.p50, h.p95, h.p99
          from core.hourly_metrics as h
         where h.name = p_name
           and h.hour > clock_timestamp() - p_since
         order by h.hour, h.labels;
end
$fn$;

alter function core.metric_history(text, interval) owner to app_definer;
revoke execute on function core.metric_history(text, interval) from public;
grant execute on function core.metric_history(text, interval) to app_monitor;

comment on function core.metric_history(text, interval) is
    'A metric by the hour, oldest first, of all tenants. Errors: none.';

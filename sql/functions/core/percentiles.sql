create or replace function core.percentiles(
    p_name text, p_since interval, out p50 double precision, out p95 double precision, out p99 double precision
)
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_since is null or p_since <= interval '0' then
        perform core.raise_error('PT400', 'bad_request', 'The period must be longer than nothing.');
    end if;

    select q.points[1], q.points[2], q.points[3]
      into p50, p95, p99
      from (
        select percentile_cont(array[0.5, 0.95, 0.99]) within group (order by s.value) as points
          from core.metric_samples as s
         where s.name = p_name
           and s.created_at > clock_timestamp() - p_since) as q;
end
$fn$;

alter function core.percentiles(text, interval) owner to app_definer;
revoke execute on function core.percentiles(text, interval) from public;
grant execute on function core.percentiles(text, interval) to app_monitor;

comment on function core.percentiles(text, interval) is
    'Median, 95th and 99th percentile of a metric over the last period, of all tenants; nulls where there are no samples. '
    'Errors: PT400 the period is not positive.';

-- What no request measures in passing. One sample a minute each, so that the hour has percentiles and an alert can look back.

create or replace function core.sample_gauges() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_rows integer;
begin
    insert into core.metric_samples (name, value, created_at)
    select gauge.name, gauge.value, clock_timestamp()
      from (values
        ('connections',            core.probe_connections(0)),
        ('oldest_transaction_ms',  core.probe_slowest_transaction(0)),
        ('queue_depth',            core.probe_queue_depth(0)),
        ('cache_hit_rate',         core.probe_cache_hit_rate(60)),
        ('failed_logins',          (
            select count(*)
              from core.login_attempts as a
             where not a.succeeded
               and a.created_at > clock_timestamp() - interval '1 minute')),
        ('rate_limit_violations',  (
            select count(*)
              from core.rate_limit_violations as v
             where v.created_at > clock_timestamp() - interval '1 minute'))
      ) as gauge (name, value)
     where gauge.value is not null;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$fn$;

alter function core.sample_gauges() owner to app_definer;
revoke execute on function core.sample_gauges() from public;

comment on function core.sample_gauges() is
    'Store how many connections, waiting jobs, failed sign-ins and limiter refusals there are, how old the oldest transaction is and what '
    'the cache serves; the cron job sample-gauges. Returns the samples stored. Each call stores. Errors: none.';

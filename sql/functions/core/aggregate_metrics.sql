-- Counts whole hours again as long as their samples are there, so a run that was missed or came twice changes nothing.

create or replace function core.aggregate_metrics() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    -- The hour before the newest is counted once more: a transaction may have committed its samples late.
    v_from timestamptz := (select max(h.hour) - interval '1 hour' from core.hourly_metrics as h);
    v_rows integer;
begin
    insert into core.hourly_metrics as h (name, hour, labels, samples, avg, p50, p95, p99)
    select q.name, q.hour, q.labels, q.samples, q.avg, q.points[1], q.points[2], q.points[3]
      from (
        select s.name,
               date_trunc('hour', s.created_at, 'UTC') as hour,
               s.labels,
               count(*) as samples,
               avg(s.value) as avg,
               percentile_cont(array[0.5, 0.95, 0.99]) within group (order by s.value) as points
          from core.metric_samples as s
         where s.created_at >= coalesce(v_from, '-infinity')
           and s.created_at < date_trunc('hour', clock_timestamp(), 'UTC')
         group by 1, 2, 3) as q
    on conflict (name, hour, labels) do update
       set samples = excluded.samples, avg = excluded.avg, p50 = excluded.p50, p95 = excluded.p95, p99 = excluded.p99
     where h.samples is distinct from excluded.samples;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$fn$;

alter function core.aggregate_metrics() owner to app_definer;
revoke execute on function core.aggregate_metrics() from public;

comment on function core.aggregate_metrics() is
    'Turn the samples of every hour that is over into core.hourly_metrics; the cron job hourly-metric-aggregation. Returns the rows '
    'written. Idempotent. Errors: none.';

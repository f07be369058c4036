create or replace function core.snapshot_query_stats() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_statements constant integer := 200;
    v_now        timestamptz := date_trunc('minute', clock_timestamp());
    v_before     timestamptz := (select max(q.taken_at) from core.query_stats_snapshots as q where q.taken_at < v_now);
    v_is_again   boolean := exists (select from core.query_stats_snapshots as q where q.taken_at = v_now);
    v_rows       integer;
begin
    insert into core.query_stats_snapshots (taken_at, queryid, userid, query, calls, total_exec_ms, mean_exec_ms, max_exec_ms)
    select v_now, s.queryid, s.userid, min(s.query), sum(s.calls), sum(s.total_ms),
           sum(s.total_ms) / sum(s.calls), max(s.max_ms)
      from core.statement_statistics() as s
     where s.queryid is not null
       and s.calls > 0
     group by s.queryid, s.userid
     order by sum(s.total_ms) desc
     limit c_statements
    on conflict do nothing;
    get diagnostics v_rows = row_count;

    -- What these statements took since the snapshot before, one execution with another. A statement that counts from the beginning
    -- again was reset meanwhile; one that was not among the dearest before counts as a whole.
    insert into core.metric_samples (name, value, created_at)
    select 'query_ms', sum(since.ms) / sum(since.calls), clock_timestamp()
      from (
          select case when q.calls >= b.calls then q.calls - b.calls else q.calls end as calls,
                 case when q.calls >= b.calls then greatest(q.total_exec_ms - b.total_exec_ms, 0) else q.total_exec_ms end as ms
            from core.query_stats_snapshots as q
            left join core.query_stats_snapshots as earlier
              on earlier.taken_at = v_before and earlier.queryid = q.queryid and earlier.userid = q.userid
           cross join lateral (select coalesce(earlier.calls, 0), coalesce(earlier.total_exec_ms, 0)) as b (calls, total_exec_ms)
           where q.taken_at = v_now) as since
     where not v_is_again
       and v_before is not null
    having sum(since.calls) > 0;
    return v_rows;
exception
    when sqlstate 'PT503' then
        return 0;
end
$fn$;

alter function core.snapshot_query_stats() owner to app_definer;
revoke execute on function core.snapshot_query_stats() from public;

comment on function core.snapshot_query_stats() is
    'Keep the 200 dearest statements of this database as they stand now, and as the metric query_ms what an execution of them took on '
    'average since the snapshot before; the cron job query-stats-snapshot. Returns the rows written, 0 without pg_stat_statements. '
    'Idempotent within a minute. Errors: none.';

create or replace function core.snapshot_query_stats() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_statements constant integer := 200;
    v_rows       integer;
begin
    insert into core.query_stats_snapshots (taken_at, queryid, userid, query, calls, total_exec_ms, mean_exec_ms, max_exec_ms)
    select date_trunc('minute', clock_timestamp()), s.queryid, s.userid, min(s.query), sum(s.calls), sum(s.total_ms),
           sum(s.total_ms) / sum(s.calls), max(s.max_ms)
      from core.statement_statistics() as s
     where s.queryid is not null
       and s.calls > 0
     group by s.queryid, s.userid
     order by sum(s.total_ms) desc
     limit c_statements
    on conflict do nothing;
    get diagnostics v_rows = row_count;
    return v_rows;
exception
    when sqlstate 'PT503' then
        return 0;
end
$fn$;

alter function core.snapshot_query_stats() owner to app_definer;
revoke execute on function core.snapshot_query_stats() from public;

comment on function core.snapshot_query_stats() is
    'Keep the 200 dearest statements of this database as they stand now; the cron job query-stats-snapshot. Returns the rows written, 0 '
    'without pg_stat_statements. Idempotent within a minute. Errors: none.';

-- What the figures of a year need is kept a year in hourly_metrics; single samples are only as old as a question about yesterday.

create or replace function core.purge_monitoring() returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_now   timestamptz := clock_timestamp();
    v_rows  bigint;
    v_total bigint := 0;
begin
    delete from core.metric_samples as s where s.created_at < v_now - interval '3 days';
    get diagnostics v_rows = row_count;
    v_total := v_total + v_rows;
    delete from core.hourly_metrics as h where h.hour < v_now - interval '400 days';
    get diagnostics v_rows = row_count;
    v_total := v_total + v_rows;
    delete from core.error_events as e where e.created_at < v_now - interval '90 days';
    get diagnostics v_rows = row_count;
    v_total := v_total + v_rows;
    delete from core.query_stats_snapshots as q where q.taken_at < v_now - interval '30 days';
    get diagnostics v_rows = row_count;
    v_total := v_total + v_rows;
    delete from core.alerts as a where a.state = 'resolved' and a.resolved_at < v_now - interval '400 days';
    get diagnostics v_rows = row_count;
    v_total := v_total + v_rows;
    -- The last run of a job stays: it is what says that the job is due.
    delete from core.cron_runs as r
     where r.started_at < v_now - interval '30 days'
       and exists (select from core.cron_runs as later where later.name = r.name and later.started_at > r.started_at);
    get diagnostics v_rows = row_count;
    return v_total + v_rows;
end
$fn$;

alter function core.purge_monitoring() owner to app_definer;
revoke execute on function core.purge_monitoring() from public;

comment on function core.purge_monitoring() is
    'Delete samples after 3 days, runs and statement snapshots after 30, errors after 90, hourly figures and resolved alerts after 400; the '
    'cron job monitoring-purge. Returns the rows deleted. Idempotent. Errors: none.';

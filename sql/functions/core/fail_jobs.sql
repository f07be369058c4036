create or replace function core.fail_jobs(p_lease core.job_leases, p_failed jsonb) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    with failure as materialized (
        select job.*,
               left(coalesce(nullif(input.error, ''), 'no reason given'), 10000) as reason,
               coalesce(input.retryable, true) and job.retry_count < job.max_retries as is_tried_again,
               input.retry_after
          from jsonb_to_recordset(p_failed) as input (id uuid, error text, retryable boolean, retry_after double precision)
          join core.job_envelopes as e on e.id = p_lease.id and e.claimed_at = p_lease.claimed_at
         cross join unnest(e.jobs) as job
         where job.id = input.id
           -- a tenant that is gone took its jobs along
           and (job.tenant_id is null or exists (select from core.tenants as t where t.id = job.tenant_id for key share))
    ), again as (
        insert into core.jobs_scheduled (
            scheduled_at, created_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by, job_type,
            dedupe_key, error_message, payload)
        select clock_timestamp()
                   -- greatest() passes over a null, and no word about the time means the backoff
                   + case when f.retry_after is null then core.job_backoff(f.job_type, f.retry_count + 1)
                          else make_interval(secs => least(greatest(f.retry_after, 0), 31536000)) end,
               f.created_at, f.lane_id, f.priority, f.retry_count + 1, f.max_retries, f.lease_seconds, f.id, f.tenant_id, f.created_by,
               f.job_type, f.dedupe_key, f.reason, f.payload
          from failure as f
         where f.is_tried_again
    ), dead as (
        insert into core.jobs_dead (
            scheduled_at, created_at, started_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by,
            status, job_type, dedupe_key, worker, error_message, payload)
        select f.scheduled_at, f.created_at, p_lease.claimed_at, f.lane_id, f.priority, f.retry_count, f.max_retries, f.lease_seconds, f.id,
               f.tenant_id, f.created_by, 'failed', f.job_type, f.dedupe_key, p_lease.worker, f.reason, f.payload
          from failure as f
         where not f.is_tried_again
    )
    delete from core.job_keys as k
     where p_lease.has_keys
       and k.job_id = any (array(select f.id from failure as f where not f.is_tried_again));
end
$fn$;

alter function core.fail_jobs(core.job_leases, jsonb) owner to app_definer;
revoke execute on function core.fail_jobs(core.job_leases, jsonb) from public;

comment on function core.fail_jobs(core.job_leases, jsonb) is
    'Schedule failed jobs of a lease again, or bury them: [{"id", "error", "retryable", "retry_after"}, …]. Errors: 22P02, 22023 malformed '
    'failures.';

-- core.job_queue: jobs as one table. The physical tables hold batches of many tenants and are closed, so the view reads them as its owner
-- and says itself who sees what: a member with jobs_queue.view the jobs of the active tenant, the platform's own roles all of them.

-- dbkit: allow view_bypasses_rls because the tables behind it are closed and the view's own conditions decide
create view core.job_queue with (security_barrier) as
select j.id, j.tenant_id, j.queue, j.job_type, j.payload, j.status, j.priority, j.retry_count, j.max_retries, j.scheduled_at, j.started_at,
       j.completed_at, j.failed_at, j.error_message, j.created_at, j.locked_by, j.lease_expires_at, j.dedupe_key, j.result, j.created_by
  from core.all_jobs as j
 where j.tenant_id = (select core.active_tenant_id())
   and (select core.has_permission('jobs_queue.view'))
   and not (select core.sees_all_jobs())
 union all
select j.id, j.tenant_id, j.queue, j.job_type, j.payload, j.status, j.priority, j.retry_count, j.max_retries, j.scheduled_at, j.started_at,
       j.completed_at, j.failed_at, j.error_message, j.created_at, j.locked_by, j.lease_expires_at, j.dedupe_key, j.result, j.created_by
  from core.all_jobs as j
 where (select core.sees_all_jobs())
   -- jobs of a deleted tenant stay in their envelopes until the day's partition goes
   and (j.tenant_id is null or exists (select from core.tenants as t where t.id = j.tenant_id));

comment on view core.job_queue is
    'Jobs with their state: those of the active tenant for members with jobs_queue.view, all for platform administrators. '
    'Finished jobs are kept for 30 days (core.purge_jobs).';
comment on column core.job_queue.status is 'pending, processing, completed, failed or cancelled.';
comment on column core.job_queue.error_message is 'Why the last attempt failed.';

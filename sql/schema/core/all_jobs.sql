-- core.all_jobs: every job of every tenant, in the columns of core.job_queue. For owner and definer code.

-- dbkit: allow view_bypasses_rls because no application role may read it: core.job_queue says who sees what
create view core.all_jobs with (security_barrier) as
select r.id, r.tenant_id, l.queue, r.job_type, r.payload, 'pending'::text as status, r.priority, r.retry_count, r.max_retries, r.scheduled_at,
       null::timestamptz as started_at, null::timestamptz as completed_at, null::timestamptz as failed_at, r.error_message, r.created_at,
       null::text as locked_by, null::timestamptz as lease_expires_at, r.dedupe_key, null::jsonb as result, r.created_by
  from core.jobs_ready as r
  join core.queue_lanes as l on l.id = r.lane_id
 union all
select s.id, s.tenant_id, l.queue, s.job_type, s.payload, 'pending', s.priority, s.retry_count, s.max_retries, s.scheduled_at,
       null, null, null, s.error_message, s.created_at,
       null, null, s.dedupe_key, null, s.created_by
  from core.jobs_scheduled as s
  join core.queue_lanes as l on l.id = s.lane_id
 union all
select job.id, job.tenant_id, h.queue, job.job_type, job.payload, 'processing', job.priority, job.retry_count, job.max_retries, job.scheduled_at,
       h.claimed_at, null, null, job.error_message, job.created_at,
       h.worker, h.lease_until, job.dedupe_key, null, job.created_by
  from core.job_leases as h
  join core.job_envelopes as e on e.id = h.id and e.claimed_at = h.claimed_at
 cross join unnest(e.jobs) as job
 where job.id <> all (coalesce(h.settled, '{}'))
 union all
select job.id, job.tenant_id, l.queue, job.job_type, job.payload, 'completed', job.priority, job.retry_count, job.max_retries, job.scheduled_at,
       d.claimed_at, d.finished_at, null, job.error_message, job.created_at,
       null, null, job.dedupe_key, d.results -> job.id::text, job.created_by
  from core.jobs_done as d
  join core.job_envelopes as e on e.id = d.lease_id and e.claimed_at = d.claimed_at
 cross join unnest(e.jobs) as job
  join core.queue_lanes as l on l.id = job.lane_id
 where d.job_ids is null or job.id = any (d.job_ids)
 union all
select x.id, x.tenant_id, l.queue, x.job_type, x.payload, x.status, x.priority, x.retry_count, x.max_retries, x.scheduled_at,
       x.started_at, null, case when x.status = 'failed' then x.finished_at end, x.error_message, x.created_at,
       null, null, x.dedupe_key, null, x.created_by
  from core.jobs_dead as x
  join core.queue_lanes as l on l.id = x.lane_id;

comment on view core.all_jobs is 'Every job with its state, for owner and definer code; core.job_queue is the view for everybody else.';

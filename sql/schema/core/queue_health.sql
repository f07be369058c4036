-- core.queue_health: how each queue stands, by type. No jobs, no tenants: counts only, for monitoring.

-- dbkit: allow view_bypasses_rls because it shows counts, to monitoring roles only
create view core.queue_health with (security_barrier) as
with waiting as (
    select l.queue, r.job_type, count(*) as ready, min(r.scheduled_at) as oldest
      from core.jobs_ready as r
      join core.queue_lanes as l on l.id = r.lane_id
     group by l.queue, r.job_type
), scheduled as (
    select l.queue, s.job_type, count(*) as scheduled, count(*) filter (where s.retry_count > 0) as retrying
      from core.jobs_scheduled as s
      join core.queue_lanes as l on l.id = s.lane_id
     group by l.queue, s.job_type
), running as (
    select h.queue, job.job_type, count(*) as processing, count(*) filter (where h.lease_until < clock_timestamp()) as stuck
      from core.job_leases as h
      join core.job_envelopes as e on e.id = h.id and e.claimed_at = h.claimed_at
     cross join unnest(e.jobs) as job
     where job.id <> all (coalesce(h.settled, '{}'))
     group by h.queue, job.job_type
), dead as (
    select l.queue, x.job_type, count(*) filter (where x.status = 'failed') as failed,
           count(*) filter (where x.status = 'failed' and x.finished_at > clock_timestamp() - interval '1 hour') as failed_last_hour
      from core.jobs_dead as x
      join core.queue_lanes as l on l.id = x.lane_id
     group by l.queue, x.job_type
)
select queue,
       job_type,
       coalesce(waiting.ready, 0) as ready,
       coalesce(scheduled.scheduled, 0) as scheduled,
       coalesce(scheduled.retrying, 0) as retrying,
       coalesce(running.processing, 0) as processing,
       coalesce(running.stuck, 0) as stuck,
       coalesce(dead.failed, 0) as failed,
       coalesce(dead.failed_last_hour, 0) as failed_last_hour,
       coalesce(extract(epoch from clock_timestamp() - waiting.oldest), 0)::double precision as oldest_ready_seconds
  from waiting
  full join scheduled using (queue, job_type)
  full join running using (queue, job_type)
  full join dead using (queue, job_type);

comment on view core.queue_health is 'Jobs by queue and type: ready, scheduled, of these retries, running, of these with an expired lease, failed.';
comment on column core.queue_health.oldest_ready_seconds is 'How long the oldest due job has been waiting.';

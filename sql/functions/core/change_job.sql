-- The halves of core.cancel_job and core.retry_job that need rights on the tables. Who may, the callers have decided: p_tenant is the only
-- tenant whose job it may be, null any.

create or replace function core.change_job(p_job_id uuid, p_status text, p_tenant uuid, p_is_any boolean) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_now    timestamptz := clock_timestamp();
    v_job    core.job_queue;
    v_lease  core.job_leases;
    v_found  boolean;
begin
    -- A job that goes from one table to another while this waits for it is in neither to begin with: look again.
    for v_look in 1..5 loop
        if p_status = 'cancelled' then
            with gone as (
                delete from core.jobs_ready as r where r.id = p_job_id and (p_is_any or r.tenant_id = p_tenant)
             returning r.scheduled_at, r.created_at, r.lane_id, r.priority, r.retry_count, r.max_retries, r.lease_seconds, r.id, r.tenant_id,
                       r.created_by, r.job_type, r.dedupe_key, r.error_message, r.payload
            ), waiting as (
                delete from core.jobs_scheduled as s where s.id = p_job_id and (p_is_any or s.tenant_id = p_tenant)
             returning s.scheduled_at, s.created_at, s.lane_id, s.priority, s.retry_count, s.max_retries, s.lease_seconds, s.id, s.tenant_id,
                       s.created_by, s.job_type, s.dedupe_key, s.error_message, s.payload
            )
            insert into core.jobs_dead (
                scheduled_at, created_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key,
                error_message, payload, status)
            select g.scheduled_at, g.created_at, g.lane_id, g.priority, g.retry_count, g.max_retries, g.lease_seconds, g.id, g.tenant_id,
                   g.created_by, g.job_type, g.dedupe_key, g.error_message, g.payload, 'cancelled'
              from gone as g
             union all
            select w.scheduled_at, w.created_at, w.lane_id, w.priority, w.retry_count, w.max_retries, w.lease_seconds, w.id, w.tenant_id,
                   w.created_by, w.job_type, w.dedupe_key, w.error_message, w.payload, 'cancelled'
              from waiting as w;
            v_found := found;
            if not v_found then
                -- A running job leaves its lease, so that whatever its worker reports of it is refused; the others of the batch go on.
                select l.*
                  into v_lease
                  from core.job_leases as l
                  join core.job_envelopes as e on e.id = l.id and e.claimed_at = l.claimed_at
                 where p_job_id <> all (coalesce(l.settled, '{}'))
                   and exists (select from unnest(e.jobs) as job where job.id = p_job_id and (p_is_any or job.tenant_id = p_tenant))
                   for update of l;
                v_found := found;
                insert into core.jobs_dead (
                    scheduled_at, created_at, started_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by,
                    job_type, dedupe_key, worker, error_message, payload, status)
                select job.scheduled_at, job.created_at, e.claimed_at, job.lane_id, job.priority, job.retry_count, job.max_retries,
                       job.lease_seconds, job.id, job.tenant_id, job.created_by, job.job_type, job.dedupe_key, v_lease.worker, job.error_message,
                       job.payload, 'cancelled'
                  from core.job_envelopes as e
                 cross join unnest(e.jobs) as job
                 where e.id = v_lease.id
                   and e.claimed_at = v_lease.claimed_at
                   and job.id = p_job_id
                   -- a tenant that is gone took its jobs along
                   and (job.tenant_id is null or exists (select from core.tenants as t where t.id = job.tenant_id for key share));
                delete from core.job_leases as l where l.id = v_lease.id and l.open_count = 1;
                update core.job_leases as l
                   set open_count = l.open_count - 1,
                       settled = coalesce(l.settled, '{}') || p_job_id,
                       cancelled = coalesce(l.cancelled, '{}') || p_job_id
                 where l.id = v_lease.id and l.open_count > 1;
            end if;
            delete from core.job_keys as k where v_found and k.job_id = p_job_id;
        else
            -- the key has to be free again, and the number of retries begins anew
            with gone as (
                delete from core.jobs_dead as x where x.id = p_job_id and (p_is_any or x.tenant_id = p_tenant) returning x.*
            ), key as (
                insert into core.job_keys (job_id, tenant_id, job_type, dedupe_key)
                select g.id, g.tenant_id, g.job_type, g.dedupe_key from gone as g where g.dedupe_key is not null
            )
            insert into core.jobs_ready (
                tag, scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key,
                error_message, payload)
            select case when q.is_fair then (core.fair_places(l, g.tenant_id, g.priority))[1] else core.epoch_us(v_now) end,
                   v_now, g.created_at, g.lane_id, g.priority, g.max_retries, g.lease_seconds, g.id, g.tenant_id, g.created_by,
                   g.job_type, g.dedupe_key, g.error_message, g.payload
              from gone as g
              join core.queue_lanes as l on l.id = g.lane_id
              join core.queues as q on q.name = l.queue;
            v_found := found;
        end if;
        exit when v_found;
        select j.* into v_job from core.all_jobs as j where j.id = p_job_id and (p_is_any or j.tenant_id = p_tenant) limit 1;
        if not found then
            perform core.raise_error('PT404', 'not_found', 'There is no such job.');
        end if;
        exit when v_job.status <> all (case p_status when 'cancelled' then '{pending,processing}' else '{failed,cancelled}' end::text[]);
    end loop;
    if not v_found then
        perform core.raise_error(
            'PT409', 'conflict', 'The job is not in a state in which this can be done.', jsonb_build_object('status', v_job.status)::text);
    end if;
    select j.* into v_job from core.all_jobs as j where j.id = p_job_id and j.status in ('pending', 'cancelled');
    if p_status = 'pending' then
        -- the clock may have been set back since the mark was
        perform setval(l.mark, r.tag)
           from core.jobs_ready as r
           join core.queue_lanes as l on l.id = r.lane_id
          where r.id = p_job_id
            and r.tag < pg_sequence_last_value(l.mark);
        perform core.wake_workers(v_job.queue);
    end if;
    return v_job;
exception
    when unique_violation then
        perform core.raise_error('PT409', 'conflict', 'Another job holds the dedupe key by now.', '{"dedupe_key": "in use"}');
end
$fn$;

alter function core.change_job(uuid, text, uuid, boolean) owner to app_definer;
revoke execute on function core.change_job(uuid, text, uuid, boolean) from public;

comment on function core.change_job(uuid, text, uuid, boolean) is
    'Cancel a pending or running job, or make a dead one pending again. Errors: PT404 no such job, PT409 the job is in another state or its dedupe key '
    'is in use.';

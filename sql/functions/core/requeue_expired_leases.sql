-- A worker that fell silent: its jobs go to others. That it died with them counts as a failure of theirs, or a job that kills its worker
-- would do so for ever. A lease that has to wait, for a tenant that is being deleted, is left to the next call: others do not wait for it.

create or replace function core.requeue_expired_leases() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '250ms'
as $fn$
declare
    v_is_new boolean := pg_current_xact_id_if_assigned() is null;
    v_lease  core.job_leases;
    v_count  integer := 0;
begin
    -- what a limited queue's count may begin at; a lease that is being made now has a higher id
    perform setval(oldest.mark, oldest.id)
       from (
        select q.lease_low as mark, min(l.id) as id
          from core.queues as q
          join core.job_leases as l on l.queue = q.name
         where q.lease_low is not null
         group by q.lease_low) as oldest
      where v_is_new and oldest.id > coalesce(pg_sequence_last_value(oldest.mark), 0);
    for v_lease in
        select l.* from core.job_leases as l where l.lease_until < clock_timestamp() order by l.id limit 1000 for update skip locked
    loop
        begin
            perform core.settle_lease(v_lease.id, '{}', (
                select jsonb_agg(jsonb_build_object('id', job.id, 'error', 'lease expired: worker ' || v_lease.worker || ' fell silent', 'retry_after', 0))
                  from core.job_envelopes as e
                 cross join unnest(e.jobs) as job
                 where e.id = v_lease.id and e.claimed_at = v_lease.claimed_at and job.id <> all (coalesce(v_lease.settled, '{}'))), null);
        exception
            when lock_not_available then continue;
        end;
        v_count := v_count + v_lease.open_count;
        perform core.wake_workers(v_lease.queue);
    end loop;
    perform core.promote_jobs();
    -- last: a new partition keeps all claims waiting until the transaction ends
    perform core.ensure_job_partitions();
    return v_count;
end
$fn$;

alter function core.requeue_expired_leases() owner to app_definer;
revoke execute on function core.requeue_expired_leases() from public;
grant execute on function core.requeue_expired_leases() to app_worker, app_platform_admin;

comment on function core.requeue_expired_leases() is
    'Take jobs from workers that let their lease run out: pending again with one retry less, or failed when none is left. Returns how many. '
    'Idempotent, and safe in parallel. Errors: none.';

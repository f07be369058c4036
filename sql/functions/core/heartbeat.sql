create or replace function core.heartbeat(p_leases bigint[]) returns table (
    lease_id bigint, is_held boolean, seconds_left double precision, cancelled uuid[]
)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
        with held as materialized (
            -- in one order, so that two calls cannot wait for each other
            select l.id from core.job_leases as l where l.id = any (p_leases) order by l.id for update
        ), extended as (
            update core.job_leases as l
               set lease_until = clock_timestamp() + make_interval(secs => l.lease_seconds)
              from held
             where l.id = held.id
         returning l.id, l.lease_seconds, l.cancelled
        )
        select asked.id,
               e.id is not null,
               coalesce(e.lease_seconds, 0)::double precision,
               -- a lease that is held knows, also of jobs queued again meanwhile; of one that is gone it shows in what became of them
               case when e.id is null then array(
                   select dead.id
                     from core.job_envelopes as batch
                    cross join unnest(batch.jobs) as job
                     join core.jobs_dead as dead on dead.id = job.id and dead.status = 'cancelled'
                    where batch.id = asked.id)
               else coalesce(e.cancelled, '{}') end
          from unnest(p_leases) as asked (id)
          left join extended as e on e.id = asked.id;
end
$fn$;

alter function core.heartbeat(bigint[]) owner to app_definer;
revoke execute on function core.heartbeat(bigint[]) from public;
grant execute on function core.heartbeat(bigint[]) to app_worker;

comment on function core.heartbeat(bigint[]) is
    'Extend leases from now on; answers for each whether it is still held (if not, stop: another worker may have the jobs), for how '
    'many seconds, and which of its jobs were cancelled meanwhile (stop them: a report of theirs is refused). Repeating it extends again. '
    'Errors: none.';

create or replace function core.release_jobs(p_lease bigint, p_jobs uuid[] default null) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_lease core.job_leases;
    v_open  uuid[];
    v_jobs  uuid[];
    v_lowered integer;
begin
    select l.* into v_lease from core.job_leases as l where l.id = p_lease for update;
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The lease has ended or was taken away.', jsonb_build_object('lease_id', p_lease)::text);
    end if;
    select array_agg(job.id)
      into v_open
      from core.job_envelopes as e
     cross join unnest(e.jobs) as job
     where e.id = v_lease.id and e.claimed_at = v_lease.claimed_at and job.id <> all (coalesce(v_lease.settled, '{}'));
    v_jobs := coalesce((select array_agg(distinct given.id) from unnest(p_jobs) as given (id)), case when p_jobs is null then v_open end, '{}');
    if not v_jobs <@ v_open then
        perform core.raise_error(
            'PT409', 'conflict', 'A job named is not in this lease or was settled already.', jsonb_build_object('lease_id', p_lease)::text);
    end if;

    with returned as (
        insert into core.jobs_ready
        select job.*
          from core.job_envelopes as e
         cross join unnest(e.jobs) as job
         where e.id = v_lease.id
           and e.claimed_at = v_lease.claimed_at
           and job.id = any (v_jobs)
           and (job.tenant_id is null or exists (select from core.tenants as t where t.id = job.tenant_id for key share))
        returning lane_id, tag
    )
    select count(setval(l.mark, first.tag))
      into v_lowered
      from (select r.lane_id, min(r.tag) as tag from returned as r group by r.lane_id) as first
      join core.queue_lanes as l on l.id = first.lane_id
     where first.tag < pg_sequence_last_value(l.mark);
    if cardinality(v_jobs) = v_lease.open_count then
        delete from core.job_leases as l where l.id = v_lease.id;
    else
        update core.job_leases as l
           set open_count = l.open_count - cardinality(v_jobs),
               settled = coalesce(l.settled, '{}') || v_jobs
         where l.id = v_lease.id;
    end if;
    perform core.wake_workers(v_lease.queue);
    return cardinality(v_jobs);
end
$fn$;

alter function core.release_jobs(bigint, uuid[]) owner to app_definer;
revoke execute on function core.release_jobs(bigint, uuid[]) from public;
grant execute on function core.release_jobs(bigint, uuid[]) to app_worker;

comment on function core.release_jobs(bigint, uuid[]) is
    'Hand jobs of a lease back (null: all that are open): due at once, in their old place, not counted as a failure. Returns how many. '
    'Not idempotent: the second call is refused. Errors: PT409 the lease is gone or a job named is not open in it.';

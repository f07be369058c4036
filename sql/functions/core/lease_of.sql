-- For callers that count in jobs. The newest lease first: it is the one, mostly.

create or replace function core.lease_of(p_job_id uuid, p_worker text) returns bigint
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_lease bigint;
begin
    select l.id
      into v_lease
      from core.job_leases as l
      join core.job_envelopes as e on e.id = l.id and e.claimed_at = l.claimed_at
     where l.worker = p_worker
       and p_job_id <> all (coalesce(l.settled, '{}'))
       and exists (select from unnest(e.jobs) as job where job.id = p_job_id)
     order by l.id desc
     limit 1;
    if v_lease is null then
        perform core.raise_error('PT409', 'conflict', 'The worker does not hold this job, or not any more.', jsonb_build_object('id', p_job_id)::text);
    end if;
    return v_lease;
end
$fn$;

alter function core.lease_of(uuid, text) owner to app_definer;
revoke execute on function core.lease_of(uuid, text) from public;

comment on function core.lease_of(uuid, text) is 'The lease under which a worker holds a job. Errors: PT409 it does not hold it.';

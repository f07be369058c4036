-- How a lease ends, in whole or in part. The lease row is the fence: who finds it gone has lost the jobs.

create or replace function core.settle_lease(p_lease bigint, p_done uuid[], p_failed jsonb, p_results jsonb) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
declare
    v_lease    core.job_leases;
    v_open     uuid[];
    v_failed   uuid[] := '{}';
    v_done     uuid[];
    v_settled  integer;
begin
    if p_done is null and p_failed is null and p_results is null then
        -- the fast path: all is done, and nobody has to look at the jobs
        with ended as (
            delete from core.job_leases as l where l.id = p_lease and l.settled is null and not l.has_keys returning l.id, l.claimed_at, l.open_count
        ), done as (
            insert into core.jobs_done (lease_id, claimed_at, finished_at) select e.id, e.claimed_at, clock_timestamp() from ended as e
        )
        select e.open_count into v_settled from ended as e;
        if found then
            return v_settled;
        end if;
    end if;

    select l.* into v_lease from core.job_leases as l where l.id = p_lease for update;
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The lease has ended or was taken away.', jsonb_build_object('lease_id', p_lease)::text);
    elsif p_done is null and v_lease.cancelled is not null then
        -- "all" was said of a batch that is whole: answered, a worker that has not heard of it would take a cancelled job for done
        perform core.raise_error(
            'PT409', 'conflict', 'A job of this lease was cancelled; name those that are done.', jsonb_build_object('lease_id', p_lease)::text);
    end if;
    select array_agg(job.id)
      into v_open
      from core.job_envelopes as e
     cross join unnest(e.jobs) as job
     where e.id = v_lease.id and e.claimed_at = v_lease.claimed_at and job.id <> all (coalesce(v_lease.settled, '{}'));

    if p_failed is not null then
        if jsonb_typeof(p_failed) <> 'array' then
            perform core.raise_error('PT400', 'bad_request', 'Failed jobs are an array of {"id", "error", "retryable", "retry_after"}.');
        end if;
        select coalesce(array_agg(distinct (failure.value ->> 'id')::uuid), '{}') into v_failed from jsonb_array_elements(p_failed) as failure;
    end if;
    v_done := coalesce(
        (select array_agg(distinct done.id) from unnest(p_done) as done (id)),
        case when p_done is null then (select array_agg(open.id) from unnest(v_open) as open (id) where open.id <> all (v_failed)) end,
        '{}');
    if not (v_done || v_failed) <@ v_open or v_done && v_failed or cardinality(v_failed) < jsonb_array_length(p_failed) then
        perform core.raise_error(
            'PT409', 'conflict', 'A job named is not in this lease, or was settled already, or named twice.',
            jsonb_build_object('lease_id', p_lease)::text);
    end if;
    v_settled := cardinality(v_done) + cardinality(v_failed);

    if cardinality(v_done) > 0 then
        insert into core.jobs_done (lease_id, claimed_at, finished_at, job_ids, results)
        values (v_lease.id, v_lease.claimed_at, clock_timestamp(), case when v_settled < v_lease.open_count or cardinality(v_failed) > 0 or v_lease.settled is not null then v_done end, p_results);
        if v_lease.has_keys then
            delete from core.job_keys as k where k.job_id = any (v_done);
        end if;
    end if;
    if cardinality(v_failed) > 0 then
        perform core.fail_jobs(v_lease, p_failed);
    end if;
    if v_settled = v_lease.open_count then
        delete from core.job_leases as l where l.id = v_lease.id;
    elsif v_settled > 0 then
        update core.job_leases as l
           set open_count = l.open_count - v_settled,
               settled = coalesce(l.settled, '{}') || v_done || v_failed
         where l.id = v_lease.id;
    end if;
    return v_settled;
end
$fn$;

alter function core.settle_lease(bigint, uuid[], jsonb, jsonb) owner to app_definer;
revoke execute on function core.settle_lease(bigint, uuid[], jsonb, jsonb) from public;

comment on function core.settle_lease(bigint, uuid[], jsonb, jsonb) is
    'What core.complete_jobs and core.next_jobs do with a lease. Not idempotent: the second call is refused. Errors: PT400 malformed failures, '
    'PT409 the lease or a job named is not the caller''s any more, or no job is named and one was cancelled.';

-- Complete and claim in one round trip. A claim takes rows out of core.jobs_ready and writes them once, as one envelope with one lease:
-- what a batch costs is its deletes. Everything is static SQL with LIMIT inside the locking subquery, which reads the index in order
-- and never takes more than it was asked for. One statement claims, writes and answers: jobs pass from hand to hand in the order in
-- which the index gave them, so nothing sorts, and they are put together once, for the envelope.

create or replace function core.next_jobs(
    p_worker text, p_limit integer default 10, p_queue text default 'default', p_types text[] default null,
    p_lease bigint default null, p_done uuid[] default null, p_failed jsonb default null, p_results jsonb default null
) returns table (
    lease_id bigint, id uuid, tenant_id uuid, queue text, job_type text, payload jsonb, priority integer, retry_count integer,
    max_retries integer, scheduled_at timestamptz, created_at timestamptz, lease_seconds integer
)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    -- The plan is made once, often while the tables are still empty, and has to be right with a million rows.
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $fn$
#variable_conflict use_column
declare
    v_lowest constant bigint := -9223372036854775808;
    v_now    timestamptz;
    v_low    timestamptz;
    v_queue  record;
    v_limit  integer := p_limit;
begin
    if p_lease is not null then
        -- the usual case here, in one statement: all is done, and nobody has to look at the jobs; the others in core.settle_lease
        with ended as (
            delete from core.job_leases as l
             where l.id = p_lease and p_done is null and p_failed is null and p_results is null and l.settled is null and not l.has_keys
         returning l.id, l.claimed_at
        )
        insert into core.jobs_done (lease_id, claimed_at, finished_at) select e.id, e.claimed_at, clock_timestamp() from ended as e;
        if not found then
            perform core.settle_lease(p_lease, p_done, p_failed, p_results);
        end if;
    end if;
    if p_limit is null or p_limit not between 0 and 1000 or p_worker is null or p_worker = '' then
        perform core.raise_error('PT400', 'bad_request', 'A claim needs the name of a worker and a limit from 0 to 1,000.');
    end if;
    -- After the settling: a failed job may be due again at once. As variables: what may change during a statement is no boundary for an index.
    v_now := clock_timestamp();
    v_low := core.from_epoch_us(coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0));
    select q.max_running,
           exists (select from core.jobs_scheduled as s where s.scheduled_at >= v_low and s.scheduled_at <= v_now) as is_due
      into v_queue
      from core.queues as q
     where q.name = p_queue;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no queue of this name.', '{"queue": "unknown"}');
    end if;
    if v_limit > 0 and v_queue.max_running is not null then
        v_limit := least(v_limit, core.queue_room(p_queue));
    end if;
    if v_limit = 0 then
        return;
    end if;
    if v_queue.is_due then
        perform core.promote_jobs();
    end if;
    if core.epoch_us(v_now) > coalesce(pg_sequence_last_value('core.queue_swept_at'), 0) + 100000 then
        perform core.sweep_lanes();
    end if;

    loop
        return query
        with picked as materialized (
            select waiting.*
              from (
                select l.id, l.mark::oid as sequence, coalesce(pg_sequence_last_value(l.mark), v_lowest) as mark
                  from core.queue_lanes as l
                 where l.queue = p_queue
                 order by l.queue, l.priority desc) as lane
             cross join lateral (
                select lane.sequence, lane.mark, r.ctid as place, r as job, r.*
                  from core.jobs_ready as r
                 where r.lane_id = lane.id
                   and r.tag >= lane.mark
                   and (p_types is null or r.job_type = any (p_types))
                 order by r.tag
                 limit v_limit
                   for update skip locked) as waiting
             limit v_limit
        ), gone as (
            delete from core.jobs_ready as r
             where r.ctid = any (array(select p.place from picked as p))
        ), batch as materialized (
            select array_agg(p.job) as jobs, count(*)::integer as job_count, max(p.lease_seconds) as seconds,
                   bool_or(p.dedupe_key is not null) as has_keys, min(p.tag) as tag, min(p.mark) as mark, min(p.sequence) as sequence
              from picked as p
        ), lease as (
            insert into core.job_leases (claimed_at, lease_until, lease_seconds, open_count, queue, worker, has_keys)
            select moment.now, moment.now + make_interval(secs => b.seconds), b.seconds, b.job_count, p_queue, p_worker, b.has_keys
              from batch as b
             cross join (select clock_timestamp() as now offset 0) as moment
             where b.job_count > 0
         returning id, claimed_at, worker, lease_seconds
        ), envelope as (
            insert into core.job_envelopes (id, claimed_at, worker, jobs)
            select l.id, l.claimed_at, l.worker, b.jobs from lease as l cross join batch as b
        ), raised as materialized (
            -- Let the next claims begin where this one did. A mark a few jobs behind is as good, so small claims write it now and then only.
            select case when b.is_one_lane and b.tag > b.mark then setval(b.sequence, b.tag) end,
                   case when not b.is_one_lane then core.raise_marks(b.jobs, p_types is null) end
              from (
                select batch.*, p_types is null and (batch.jobs[1]).lane_id = (batch.jobs[batch.job_count]).lane_id as is_one_lane
                  from batch) as b
             where b.job_count >= 16 or random() < 0.125
        )
        select l.id, p.id, p.tenant_id, p_queue, p.job_type, p.payload, p.priority, p.retry_count, p.max_retries, p.scheduled_at,
               p.created_at, l.lease_seconds
          from lease as l
         cross join (select count(*) from raised) as raised
         cross join picked as p;
        -- nothing in sight: before giving up, look below the marks
        exit when found or core.sweep_lanes() is not true;
    end loop;
end
$fn$;

alter function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb) owner to app_definer;
revoke execute on function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb) from public;
grant execute on function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb) to app_worker;

comment on function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb) is
    'Settle a lease as core.complete_jobs does (when one is given), then claim up to p_limit due jobs of a queue under a new lease, in '
    'the order to run them: highest priority first, then what has waited longest; in a fair queue tenants take turns. No row: nothing to '
    'do. Each call claims other jobs. Commit at once: until then no other worker promotes scheduled jobs or looks for late ones. '
    'Errors: PT400 no worker or a limit out of range, PT422 unknown queue, and those of '
    'core.complete_jobs; after an error nothing was settled and nothing claimed.';

-- Jobs of a fair lane that have to go before others of their tenant take over places of those, who move back. Were all that follow to
-- move up by one, a job would cost as many writes as there are others; were the first to go to the very end, it would have waited for
-- nothing. So it takes over a place about four times as far back, that one's job the same, until the end of the line: ten moves among
-- 100,000 jobs, the tenant has one job a turn as before, and those of one priority stay in order but for the few that moved.
-- A move deletes and inserts: a claim that waits for a row must not find it with another tag. Probes as in core.fair_places.

create or replace function core.make_room(
    p_lane core.queue_lanes, p_tenant uuid, p_priority integer, p_count integer, p_after bigint, p_own_from bigint, p_end bigint
) returns bigint[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
    set plan_cache_mode = force_generic_plan
as $fn$
declare
    v_turn   bigint := greatest(coalesce(pg_sequence_last_value(p_lane.mark), 0), 0);
    v_step   bigint := core.fair_turn(p_tenant);
    v_ids    uuid[];
    v_levels integer[];
    v_places bigint[];
    v_end    bigint := p_end;
    v_moving record;
    v_to     bigint[];
begin
    -- jobs that somebody is claiming or moving are left alone: nobody waits here
    select coalesce(array_agg(taken.id), '{}'), coalesce(array_agg(taken.priority), '{}'), coalesce(array_agg(taken.tag), '{}')
      into v_ids, v_levels, v_places
      from (
        select waiting.*
          from generate_series(p_priority, -1, -1) as level
         cross join lateral (
            select r.id, r.priority, r.tag
              from core.jobs_ready as r
             where r.tenant_id = p_tenant
               and r.lane_id = p_lane.id
               and r.priority between level and level
               and r.tag > case when level = p_priority then p_own_from else p_after end
             order by r.priority, r.tag
             limit p_count
               for update skip locked) as waiting
         limit p_count) as taken;
    if cardinality(v_ids) < p_count then
        select greatest(p_end, max(line.tag))
          into v_end
          from generate_series(-1, 1) as level
         cross join lateral (
            select r.tag
              from core.jobs_ready as r
             where r.tenant_id = p_tenant and r.lane_id = p_lane.id and r.priority between level and level
             order by r.priority desc, r.tag desc
             limit 1) as line;
        v_places := v_places || array(select v_end + job * v_step from generate_series(1, p_count - cardinality(v_ids)) as job);
        v_end := v_places[p_count];
    end if;
    -- the lower ones first: they are where the others go
    for v_moving in
        select level, array_agg(job.id order by job.tag) as ids, max(job.tag) as last
          from generate_series(-1, p_priority) as level
          join unnest(v_ids, v_levels, v_places) as job (id, priority, tag) on job.priority = level
         group by level
         order by level
    loop
        v_to := core.make_room(
            p_lane, p_tenant, v_moving.level, cardinality(v_moving.ids), v_moving.last, v_turn + 4 * (v_moving.last - v_turn), v_end);
        with gone as (
            delete from core.jobs_ready as r where r.id = any (v_moving.ids) returning r.*
        )
        insert into core.jobs_ready (
            tag, scheduled_at, created_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by, job_type,
            dedupe_key, error_message, payload)
        select job.place, g.scheduled_at, g.created_at, g.lane_id, g.priority, g.retry_count, g.max_retries, g.lease_seconds, g.id,
               g.tenant_id, g.created_by, g.job_type, g.dedupe_key, g.error_message, g.payload
          from gone as g
          join unnest(v_moving.ids, v_to) as job (id, place) on job.id = g.id;
    end loop;
    return v_places;
end
$fn$;

alter function core.make_room(core.queue_lanes, uuid, integer, integer, bigint, bigint, bigint) owner to app_definer;
revoke execute on function core.make_room(core.queue_lanes, uuid, integer, integer, bigint, bigint, bigint) from public;

comment on function core.make_room(core.queue_lanes, uuid, integer, integer, bigint, bigint, bigint) is
    'Places in a fair lane for p_count jobs of a tenant: those of its jobs with a lower priority after p_after, and with the same after '
    'p_own_from; what is missing stands at the end, after p_end at least. Whoever stood there has moved back. Not idempotent. Errors: none.';

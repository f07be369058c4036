-- Where the next jobs of a tenant stand in a queue that serves tenants by turns: a turn apart, behind its own jobs of the same or a
-- higher priority, and not before the turn that is being served. A tenant with 100,000 jobs waiting thus stands behind one with five;
-- this costs probes of an index here and nothing at the claim, where a fair lane is read in order as any other.
-- A job that goes before others of its tenant takes over one of their places (core.make_room): standing beside them, a tenant that
-- mixes priorities would have as many jobs in a turn as priorities.
-- The probes ask for a range of one priority and order by it: equality would let the index by lane and place give the order as well, and
-- that one is read through all other jobs of the lane.

create or replace function core.fair_places(p_lane core.queue_lanes, p_tenant uuid, p_priority integer, p_count integer default 1)
returns bigint[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
    set plan_cache_mode = force_generic_plan
as $fn$
declare
    v_turn   bigint := greatest(coalesce(pg_sequence_last_value(p_lane.mark), 0), 0);
    v_step   bigint := core.fair_turn(p_tenant);
    v_line   record;
    v_own    bigint;
    v_first  bigint;
    v_free   integer := p_count;
    v_places bigint[];
begin
    select max(line.tag) filter (where level >= p_priority) as own, max(line.tag) filter (where level < p_priority) as below
      into v_line
      from generate_series(-1, 1) as level
     cross join lateral (
        -- the platform stands in line as one more tenant
        (select r.tag
           from core.jobs_ready as r
          where r.tenant_id = p_tenant and r.lane_id = p_lane.id and r.priority between level and level and r.tag > v_turn
          order by r.tenant_id desc, r.priority desc, r.tag desc
          limit 1)
         union all
        (select r.tag
           from core.jobs_ready as r
          where p_tenant is null and r.tenant_id is null and r.lane_id = p_lane.id and r.priority between level and level and r.tag > v_turn
          order by r.tenant_id desc, r.priority desc, r.tag desc
          limit 1)) as line;
    v_own := greatest(v_turn, v_line.own);
    -- Where a row that was changed meanwhile is an error, nobody is moved: that error would be the caller's. A tenant being deleted takes
    -- its jobs along, and must not miss one on the move.
    if v_line.below > v_own
       and current_setting('transaction_isolation') = 'read committed'
       and exists (select from core.tenants as t where t.id = p_tenant for key share skip locked)
    then
        select min(line.tag)
          into v_first
          from generate_series(-1, p_priority - 1) as level
         cross join lateral (
            select r.tag
              from core.jobs_ready as r
             where r.tenant_id = p_tenant and r.lane_id = p_lane.id and r.priority between level and level and r.tag > v_own
             order by r.priority, r.tag
             limit 1) as line;
        v_free := least(greatest((v_first - v_own) / v_step - 1, 0), p_count);
    end if;
    v_places := array(select v_own + job * v_step from generate_series(1, v_free) as job);
    if v_free < p_count then
        v_places := v_places || core.make_room(p_lane, p_tenant, p_priority, p_count - v_free, v_own, null, v_own + v_free * v_step);
    end if;
    return v_places;
end
$fn$;

alter function core.fair_places(core.queue_lanes, uuid, integer, integer) owner to app_definer;
revoke execute on function core.fair_places(core.queue_lanes, uuid, integer, integer) from public;

comment on function core.fair_places(core.queue_lanes, uuid, integer, integer) is
    'The places of the next p_count jobs of a tenant in a fair lane, in order; jobs of its own with a lower priority make room. Not '
    'idempotent. Errors: none.';

-- Where a tenant's line ends in a queue that serves tenants by turns: behind its own jobs of the same or a higher priority, and not
-- before the turn that is being served. A tenant with 100,000 jobs waiting thus stands behind one with five; this costs a probe of an
-- index here and nothing at the claim, where a fair lane is read in order as any other.

create or replace function core.fair_tag(p_lane core.queue_lanes, p_tenant uuid, p_priority integer) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
    set plan_cache_mode = force_generic_plan
as $fn$
declare
    v_turn bigint := greatest(coalesce(pg_sequence_last_value(p_lane.mark), 0), 0);
begin
    return greatest(
        v_turn,
        (select max(line.tag)
           from generate_series(p_priority, 1) as level
          cross join lateral (
                select r.tag
                  from core.jobs_ready as r
                 where r.tenant_id = p_tenant
                   and r.lane_id = p_lane.id
                   and r.priority = level
                   and r.tag > v_turn
                 order by r.tag desc
                 limit 1) as line));
end
$fn$;

alter function core.fair_tag(core.queue_lanes, uuid, integer) owner to app_definer;
revoke execute on function core.fair_tag(core.queue_lanes, uuid, integer) from public;

comment on function core.fair_tag(core.queue_lanes, uuid, integer) is
    'The place of the last job a tenant has in a fair lane, at least the turn being served; a new job goes one turn behind. Reads only. Errors: none.';

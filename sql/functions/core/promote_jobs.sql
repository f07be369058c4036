create or replace function core.promote_jobs(p_limit integer default 1000) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
declare
    -- as variables, since what may change during a statement is no boundary for an index
    v_now   timestamptz := clock_timestamp();
    v_from  timestamptz := core.from_epoch_us(coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0));
    v_moved integer;
    v_low   bigint;
begin
    if not pg_try_advisory_xact_lock(1685874538, 0) then
        return 0;
    end if;
    with due as materialized (
        select s.ctid as place
          from core.jobs_scheduled as s
         where s.scheduled_at >= v_from
           and s.scheduled_at <= v_now
         order by s.scheduled_at
         limit p_limit
           for update skip locked
    ), gone as (
        delete from core.jobs_scheduled as s
         where s.ctid = any (array(select due.place from due))
     returning s.*
    ), added as (
        insert into core.jobs_ready (
            tag, scheduled_at, created_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by, job_type,
            dedupe_key, error_message, payload)
        -- a place is asked for when the job before has been inserted, and is behind it
        select case when q.is_fair then (core.fair_places(l, g.tenant_id, g.priority))[1] else core.epoch_us(g.scheduled_at) end,
               g.scheduled_at, g.created_at, g.lane_id, g.priority, g.retry_count, g.max_retries, g.lease_seconds, g.id, g.tenant_id,
               g.created_by, g.job_type, g.dedupe_key, g.error_message, g.payload
          from gone as g
          join core.queue_lanes as l on l.id = g.lane_id
          join core.queues as q on q.name = l.queue
         order by g.scheduled_at
        returning tag, lane_id, scheduled_at
    ), lowered as (
        select setval(l.mark, first.tag)
          from (select a.lane_id, min(a.tag) as tag from added as a group by a.lane_id) as first
          join core.queue_lanes as l on l.id = first.lane_id
         where first.tag < pg_sequence_last_value(l.mark)
    )
    select count(*), core.epoch_us(max(a.scheduled_at)), (select count(*) from lowered) into v_moved, v_low from added as a;
    -- all that were due before have gone, but for those that somebody holds: they keep the mark where it is
    perform setval('core.queue_scheduled_low', least(v_low, core.epoch_us(v_now)))
      where v_moved > 0
        and not exists (
            select
              from core.jobs_scheduled as s
             where s.scheduled_at >= v_from
               and core.epoch_us(s.scheduled_at) < v_low
               and s.scheduled_at < core.from_epoch_us(v_low));
    return v_moved;
end
$fn$;

alter function core.promote_jobs(integer) owner to app_definer;
revoke execute on function core.promote_jobs(integer) from public;

comment on function core.promote_jobs(integer) is
    'Move scheduled jobs whose time has come to where workers look, in order; one caller at a time, the others get 0. Returns how many. '
    'Idempotent. Errors: none.';

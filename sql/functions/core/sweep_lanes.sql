-- A mark can be above a waiting job: its transaction committed after a later one was claimed, or a claim was rolled back. So claims look
-- below the marks now and then, and whenever they find nothing. One worker at a time, and after a look that took more than a millisecond
-- (an old snapshot is open) the next one waits twenty times as long: idle workers that poll cannot wear the server out by looking.

create or replace function core.sweep_lanes() returns boolean
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
declare
    v_start    bigint := core.epoch_us(clock_timestamp());
    v_is_lower boolean;
    v_end      bigint;
begin
    -- a minute ahead at most, in case the clock was set back
    if pg_sequence_last_value('core.queue_swept_at') between v_start and v_start + 60000000
       or not pg_try_advisory_xact_lock(1685874537, 0) then
        return false;
    end if;
    select coalesce(bool_or(moved.is_lower), false)
      into v_is_lower
      from (
        select waiting.tag < pg_sequence_last_value(l.mark) as is_lower, setval(l.mark, waiting.tag) as mark
          from core.queue_lanes as l
         cross join lateral (
            select r.tag from core.jobs_ready as r where r.lane_id = l.id order by r.tag limit 1) as waiting
         where waiting.tag <> pg_sequence_last_value(l.mark)) as moved;
    perform setval('core.queue_scheduled_low', least(waiting.due, v_start))
       from (select core.epoch_us(least(min(s.scheduled_at), core.from_epoch_us(v_start))) as due from core.jobs_scheduled as s) as waiting
      where least(waiting.due, v_start) <> coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0);
    v_end := core.epoch_us(clock_timestamp());
    perform setval('core.queue_swept_at', v_end + 20 * greatest(v_end - v_start - 1000, 0));
    return v_is_lower;
end
$fn$;

alter function core.sweep_lanes() owner to app_definer;
revoke execute on function core.sweep_lanes() from public;

comment on function core.sweep_lanes() is
    'Set the low-water marks to what really waits. True: one was too high, so look again; false: none was, or a sweep is '
    'running or was just done. Idempotent. Errors: none.';

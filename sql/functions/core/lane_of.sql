-- A priority is new to a queue once in the queue's life, so the lane and its mark are made on demand. Every claim looks into every lane,
-- so there are 100 at most. A priority that comes later shares the next lower lane: refused, whoever thought up a hundred priorities
-- would keep all others from theirs.

create or replace function core.lane_of(p_queue text, p_priority integer) returns core.queue_lanes
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_priority integer := case when (select q.is_fair from core.queues as q where q.name = p_queue) then 0 else p_priority end;
    v_lane     core.queue_lanes;
begin
    select * into v_lane from core.queue_lanes as l where l.queue = p_queue and l.priority = v_priority;
    if not found then
        if (select count(*) from core.queue_lanes as l where l.queue = p_queue) < 100 then
            perform pg_advisory_xact_lock(hashtextextended('core.queue_lanes', 0));
        end if;
        if (select count(*) from core.queue_lanes as l where l.queue = p_queue) >= 100 then
            select * into v_lane from core.queue_lanes as l where l.queue = p_queue order by l.priority > v_priority, abs(l.priority::bigint - v_priority) limit 1;
            return v_lane;
        end if;
        insert into core.queue_lanes (queue, priority, mark)
        values (
            p_queue,
            v_priority,
            (select c.oid
               from pg_class as c
              where c.relnamespace = 'core'::regnamespace
                and c.relkind = 'S'
                and c.relname like 'queue\_mark\_%'
                and not exists (select from core.queue_lanes as l where l.mark = c.oid)
                and not exists (select from core.queues as q where q.lease_low = c.oid)
              order by c.relname
              limit 1))
        on conflict (queue, priority) do nothing;
        select * into v_lane from core.queue_lanes as l where l.queue = p_queue and l.priority = v_priority;
        -- a sequence taken over from a lane that was rolled back may stand anywhere: a new lane is empty, so no mark is too low
        perform setval(v_lane.mark, -9223372036854775808, false);
    end if;
    return v_lane;
end
$fn$;

alter function core.lane_of(text, integer) owner to app_definer;
revoke execute on function core.lane_of(text, integer) from public;

comment on function core.lane_of(text, integer) is
    'The lane of a queue for a priority, made when it is new; a fair queue has one for all. Where the queue has 100 lanes already, the one of '
    'the next lower priority, or of the lowest. Idempotent. Errors: 23503 no such queue.';

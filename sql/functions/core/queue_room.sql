-- Claims of a queue with a limit wait for each other at its row: whoever counts has seen every lease of those before it. The mark outlives a
-- rollback, so only a transaction that has ended no lease itself may raise it; core.requeue_expired_leases does so each minute.

create or replace function core.queue_room(p_queue text) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
declare
    v_is_new  boolean := pg_current_xact_id_if_assigned() is null;
    v_queue   core.queues;
    v_low     bigint;
    v_running bigint;
    v_first   bigint;
begin
    select q.* into v_queue from core.queues as q where q.name = p_queue for no key update;
    v_low := coalesce(pg_sequence_last_value(v_queue.lease_low), 0);
    -- leases of this queue get their ids one after the other here, so below the oldest living one there are none any more
    select coalesce(sum(l.open_count), 0), min(l.id)
      into v_running, v_first
      from core.job_leases as l
     where l.id >= v_low
       and l.queue = p_queue;
    perform setval(v_queue.lease_low, v_first) where v_is_new and v_first > v_low;
    return greatest(v_queue.max_running - v_running, 0);
end
$fn$;

alter function core.queue_room(text) owner to app_definer;
revoke execute on function core.queue_room(text) from public;

comment on function core.queue_room(text) is
    'How many jobs of a limited queue may start now; the answer stays true until the transaction ends. Idempotent. Errors: none.';

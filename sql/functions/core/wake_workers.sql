-- A transaction that notifies holds a lock of the whole cluster while it commits, so with a NOTIFY in each of them commits queue up.
-- One at a time is enough: while somebody's wake-up is under way, others leave theirs out, and workers that were woken poll on for a while.

create or replace function core.wake_workers(p_queue text) returns void
    language sql volatile
return case when pg_try_advisory_xact_lock(1685874536, hashtext(p_queue)) then pg_notify('dbkit_jobs', p_queue) end;

revoke execute on function core.wake_workers(text) from public;
grant execute on function core.wake_workers(text) to app_definer;

comment on function core.wake_workers(text) is
    'Tell idle workers (LISTEN dbkit_jobs, payload: the queue) that there is work, unless another transaction is just doing so. '
    'Idempotent. Errors: none.';

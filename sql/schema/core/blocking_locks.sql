-- core.blocking_locks: who waits, and for whom. One row a pair.

create view core.blocking_locks with (security_invoker = true) as
select waiting.pid as blocked_pid,
       waiting.usename as blocked_user,
       waiting.query as blocked_query,
       round(extract(epoch from clock_timestamp() - lock.waitstart), 1) as seconds,
       lock.locktype as lock_type,
       lock.mode as wanted_mode,
       case when lock.database = d.oid then lock.relation::pg_catalog.regclass::text end as relation,
       holder.pid as blocking_pid,
       holder.usename as blocking_user,
       holder.state as blocking_state,
       holder.query as blocking_query
  from pg_catalog.pg_stat_activity as waiting
  join pg_catalog.pg_locks as lock on lock.pid = waiting.pid and not lock.granted
  join pg_catalog.pg_database as d on d.datname = current_database()
 cross join unnest(pg_catalog.pg_blocking_pids(waiting.pid)) as blocker (pid)
  left join pg_catalog.pg_stat_activity as holder on holder.pid = blocker.pid
 where waiting.wait_event_type = 'Lock'
 order by seconds desc nulls last, blocked_pid, blocking_pid;

comment on view core.blocking_locks is 'Sessions that wait for a lock and the sessions they wait for, longest wait first.';
comment on column core.blocking_locks.relation is 'Table the wait is about; null for a wait for a row or transaction, and in another database.';
comment on column core.blocking_locks.blocking_pid is 'select pg_terminate_backend(pid) ends it; null for a prepared transaction.';

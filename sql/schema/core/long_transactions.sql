-- core.long_transactions: what holds back vacuum and keeps locks. A prepared transaction has no session that could end.

create view core.long_transactions with (security_invoker = true) as
select a.pid, a.usename as user_name, a.datname as database_name, a.application_name, a.state,
       a.xact_start as started_at,
       round(extract(epoch from clock_timestamp() - a.xact_start), 1) as seconds,
       a.wait_event_type, a.wait_event, a.query,
       null::text as prepared_as
  from pg_catalog.pg_stat_activity as a
 where a.backend_type = 'client backend'
   and a.pid <> pg_catalog.pg_backend_pid()
   and a.xact_start < clock_timestamp() - interval '5 seconds'
 union all
select null, p.owner, p.database, null, 'prepared', p.prepared,
       round(extract(epoch from clock_timestamp() - p.prepared), 1),
       null, null, null, p.gid
  from pg_catalog.pg_prepared_xacts as p
 where p.prepared < clock_timestamp() - interval '5 seconds'
 order by started_at;

comment on view core.long_transactions is 'Transactions open for more than five seconds, oldest first, prepared ones included; not the one that asks.';
comment on column core.long_transactions.prepared_as is 'Name of a prepared transaction: commit prepared or rollback prepared ends it.';

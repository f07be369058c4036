-- core.health_check: one service that is not well degrades the whole, and asking costs no look at business tables.
begin;
select plan(22);

select tests.tenant('north', 'crm', 'ann');
create function tests.health() returns jsonb language sql as $fn$ select core.health_check() - 'timestamp' $fn$;
update dbkit.migrations set state = 'applied', rolled_back_at = null;
insert into core.cron_runs (name, started_at, finished_at, ok) values ('evaluate-alerts', clock_timestamp() - interval '1 minute', clock_timestamp(), true);

select tests.act_as('app_anon');
select is(tests.health(), '{"status": "healthy", "code": 200, "services": {"database": "healthy", "queue": "healthy", "cache": "healthy", "cron": "healthy", "migrations": "healthy"}}', 'all is well');
select ok((core.health_check() ->> 'timestamp')::timestamptz between transaction_timestamp() and clock_timestamp(), 'and it is now');

-- the queue: a worker died with its lease, and none lives to take it back
select tests.act_as('app_definer');
select core.enqueue_for(null, 'send_alert', '{"rule": "a", "message": "b"}');
select tests.act_as('app_worker');
select isnt_empty($$ select from core.claim_jobs('worker-1') $$, 'a worker claims a job');
select is(core.health_check() ->> 'code', '200', 'which is as it should be');
select tests.act_as_admin();
update core.job_leases set lease_until = clock_timestamp() - interval '4 minutes';
select is(core.health_check() ->> 'code', '200', 'a lease that ran out just now is somebody''s to take');
update core.job_leases set lease_until = clock_timestamp() - interval '6 minutes';
select tests.act_as('app_anon');
select is(tests.health() -> 'services' ->> 'queue', 'unhealthy', 'one that nobody takes is not');
select is(tests.health() ->> 'status', 'degraded', 'which degrades the whole');
select is(tests.health() ->> 'code', '503', 'with the code a load balancer reads');
select is(tests.health() -> 'services' ->> 'cron', 'healthy', 'and leaves the others as they are');
select tests.act_as('app_worker');
select core.requeue_expired_leases();
select is(core.health_check() ->> 'code', '200', 'taken back, it is well again');

-- the schedule
select tests.act_as_admin();
update core.cron_runs set started_at = clock_timestamp() - interval '6 minutes';
select is(core.health_check() #>> '{services,cron}', 'unhealthy', 'a schedule that fell silent');
delete from core.cron_runs;
select is(core.health_check() #>> '{services,cron}', 'unhealthy', 'or never spoke');
insert into core.cron_runs (name) values ('evaluate-alerts');
select is(core.health_check() #>> '{services,cron}', 'healthy', 'speaks again');

-- migrations
insert into dbkit.migrations (line, version, name, checksum, state, tool_version) values ('core', '20990101000000', 'half', 'x', 'partial', '1');
select is(core.health_check() #>> '{services,migrations}', 'unhealthy', 'a migration that stopped half-way');
update dbkit.migrations set state = 'applied' where name = 'half';
select is(core.health_check() #>> '{services,migrations}', 'healthy', 'and one that is whole');

-- the cache
alter table core.cache_entries rename to mislaid;
select is(core.health_check() #>> '{services,cache}', 'unhealthy', 'a cache that cannot be asked');
alter table core.mislaid rename to cache_entries;
select is(core.health_check() ->> 'code', '200', 'and one that can');

-- what it looks at
create temporary table before_it on commit drop as select relid, seq_scan, idx_scan from pg_stat_xact_user_tables;
select core.health_check();
select is_empty(
    $$ select now.relid::regclass
         from pg_stat_xact_user_tables as now
         join before_it as b using (relid)
        where coalesce(now.seq_scan, 0) + coalesce(now.idx_scan, 0) > coalesce(b.seq_scan, 0) + coalesce(b.idx_scan, 0)
          and now.relid::regclass::text not in ('core.job_leases', 'core.cache_entries', 'core.cron_runs', 'dbkit.migrations') $$,
    'four tables of services are read and no other');

-- who may: everybody, and all learn the same
select is(tests.error_of(format($$ set local role %I; select core.health_check() $$, role)), null, role || ' may ask')
  from unnest(array['app_user', 'app_monitor', 'app_worker', 'app_renter']) as role;

select * from finish();
rollback;

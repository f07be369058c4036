-- core.sample_gauges: what no request measures.
begin;
select plan(5);

insert into core.login_attempts (email, succeeded, created_at)
values ('a@example.test', false, clock_timestamp()), ('a@example.test', false, clock_timestamp() - interval '2 minutes'), ('a@example.test', true, clock_timestamp());
insert into core.rate_limit_violations (policy, key, retry_after, created_at) values ('user', 'k', 1, clock_timestamp()), ('user', 'k', 1, clock_timestamp() - interval '2 minutes');
insert into core.cache_stats (tenant_id, bucket, name, hits, misses) values (tests.id('north'), date_trunc('minute', clock_timestamp()), 'customers', 3, 1);
select core.enqueue_for(null, 'send_alert', '{"rule": "a", "message": "b"}');

select tests.act_as('app_definer');
select is(core.sample_gauges(), 6, 'six gauges are read');
select results_eq(
    $$ select name, value, tenant_id from core.metric_samples where name not in ('connections', 'oldest_transaction_ms') order by name $$,
    $$ values ('cache_hit_rate', 75::double precision, null::uuid), ('failed_logins', 1, null), ('queue_depth', 1, null), ('rate_limit_violations', 1, null) $$,
    'of the last minute, or as it stands');
delete from core.cache_stats;
select is(core.sample_gauges(), 5, 'what has no value has no sample');
select tests.act_as('app_monitor');
select throws_ok($$ select core.sample_gauges() $$, '42501', 'permission denied for function sample_gauges', 'monitoring starts no job');
select tests.act_as('app_user');
select throws_ok($$ select core.sample_gauges() $$, '42501', 'permission denied for function sample_gauges', 'nor do applications');

select * from finish();
rollback;

-- core.metric_history: a metric by the hour.
begin;
select plan(5);

insert into core.hourly_metrics (name, hour, labels, samples, avg, p50, p95, p99)
select 'response_ms', date_trunc('hour', clock_timestamp(), 'UTC') - make_interval(hours => ago), '{}'::jsonb, ago, 1, 1, 1, 1 from unnest(array[2, 20, 30]) as ago
 union all
select 'other', date_trunc('hour', clock_timestamp(), 'UTC') - interval '2 hours', '{}', 9, 1, 1, 1, 1;

select tests.act_as('app_monitor');
select results_eq($$ select samples from core.metric_history('response_ms') $$, $$ values (20::bigint), (2) $$, 'a day by itself, oldest first');
select results_eq($$ select samples from core.metric_history('response_ms', '3 days') $$, $$ values (30::bigint), (20), (2) $$, 'more when asked for');
select is_empty($$ select from core.metric_history('nothing') $$, 'nothing of what was never measured');
select tests.act_as('app_user');
select throws_ok($$ select core.metric_history('response_ms') $$, '42501', 'permission denied for function metric_history', 'figures of all tenants are for monitoring');
select tests.act_as('app_worker');
select throws_ok($$ select core.metric_history('response_ms') $$, '42501', 'permission denied for function metric_history', 'not for workers');

select * from finish();
rollback;

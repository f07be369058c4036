-- core.percentiles: compared with the definition, on a thousand samples.
begin;
select plan(7);

insert into core.metric_samples (name, value, created_at)
select 'response_ms', i, clock_timestamp() - interval '1 minute' from generate_series(1, 1000) as i order by md5(i::text);
insert into core.metric_samples (name, value, created_at)
values ('response_ms', 1e6, clock_timestamp() - interval '2 hours'), ('other', 1e6, clock_timestamp());

select tests.act_as('app_monitor');
select results_eq($$ select p50, p95, p99 from core.percentiles('response_ms', '1 hour') $$, $$ values (500.5::double precision, 950.05::double precision, 990.01::double precision) $$, 'interpolated between neighbours, of this metric and period only');
select ok((select p99 < 1000 from core.percentiles('response_ms', '1 hour')), 'the outlier of two hours ago is left out');
select ok((select p99 > 990.01 from core.percentiles('response_ms', '3 hours')), 'and counts when it is asked for');
select results_eq($$ select p50, p95, p99 from core.percentiles('nothing', '1 hour') $$, $$ values (null::double precision, null::double precision, null::double precision) $$, 'no samples, no answer');
select throws_ok($$ select core.percentiles('response_ms', '-1 hour') $$, 'PT400', 'bad_request', 'a period is longer than nothing');
select throws_ok($$ select core.percentiles('response_ms', null) $$, 'PT400', 'bad_request', 'and is given');
select tests.act_as('app_user');
select throws_ok($$ select core.percentiles('response_ms', '1 hour') $$, '42501', 'permission denied for function percentiles', 'figures of all tenants are for monitoring');

select * from finish();
rollback;

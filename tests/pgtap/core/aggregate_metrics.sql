-- core.aggregate_metrics: whole hours only, and again without harm.
begin;
select plan(9);

-- three hours ago, so that no edge of an hour matters
create temporary table hour on commit drop as select date_trunc('hour', clock_timestamp(), 'UTC') - interval '3 hours' as at;
grant select on hour to app_definer, app_monitor;
insert into core.metric_samples (name, value, labels, created_at)
select 'response_ms', i, '{}'::jsonb, hour.at + interval '10 minutes' from generate_series(1, 100) as i, hour
 union all
select 'response_ms', 7, '{"route": "/a"}', hour.at + interval '59 minutes 59 seconds' from hour
 union all
select 'response_ms', 8, '{}', hour.at + interval '1 hour' from hour
 union all
select 'response_ms', 9, '{}', clock_timestamp();

select tests.act_as('app_definer');
select is(core.aggregate_metrics(), 3, 'an hour, a series and a metric make a row');
select results_eq(
    $$ select h.hour = hour.at, labels, samples, avg, p50, p95, round(p99::numeric, 2) from core.hourly_metrics as h, hour order by h.hour, labels $$,
    $$ values (true, '{}'::jsonb, 100::bigint, 50.5::double precision, 50.5::double precision, 95.05::double precision, 99.01),
              (true, '{"route": "/a"}', 1, 7, 7, 7, 7.00), (false, '{}', 1, 8, 8, 8, 8.00) $$,
    'number, mean and percentiles of each; the hour that goes on is not over');
select is(core.aggregate_metrics(), 0, 'a second run changes nothing');

-- a sample that was committed late
insert into core.metric_samples (name, value, created_at) select 'response_ms', 10, hour.at + interval '90 minutes' from hour;
select is(core.aggregate_metrics(), 1, 'a late sample is counted in its hour');
select results_eq($$ select samples, avg from core.hourly_metrics as h, hour where h.hour > hour.at $$, $$ values (2::bigint, 9::double precision) $$, 'once');
delete from core.metric_samples;
select is(core.aggregate_metrics(), 0, 'samples that were purged take nothing away');
select results_eq($$ select sum(samples) from core.hourly_metrics $$, $$ values (103::numeric) $$, 'their figures stay');

select tests.act_as('app_monitor');
select throws_ok($$ select core.aggregate_metrics() $$, '42501', 'permission denied for function aggregate_metrics', 'monitoring starts no job');
select tests.act_as('app_user');
select throws_ok($$ select core.aggregate_metrics() $$, '42501', 'permission denied for function aggregate_metrics', 'nor do applications');

select * from finish();
rollback;

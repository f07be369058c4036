-- How long monitoring keeps its rows: one on either side of each line.
begin;
select plan(9);

insert into core.metric_samples (name, value, created_at) values ('a', 1, now() - interval '3 days 1 hour'), ('a', 2, now() - interval '2 days 23 hours');
insert into core.hourly_metrics (name, hour, samples, avg, p50, p95, p99)
select 'a', date_trunc('hour', now(), 'UTC') - make_interval(days => days), days, 1, 1, 1, 1 from unnest(array[399, 401]) as days;
insert into core.error_events (action, message, created_at) values ('a', 'old', now() - interval '91 days'), ('a', 'new', now() - interval '89 days');
insert into core.query_stats_snapshots (taken_at, queryid, userid, calls, total_exec_ms, mean_exec_ms, max_exec_ms)
values (now() - interval '31 days', 1, 10, 1, 1, 1, 1), (now() - interval '29 days', 2, 10, 1, 1, 1, 1);
insert into core.cron_runs (name, started_at, finished_at, ok)
values ('often', now() - interval '31 days', now(), true), ('often', now() - interval '29 days', now(), true), ('yearly', now() - interval '300 days', now(), true);
insert into core.alerts (rule, state, message, fired_at, resolved_at)
values ('rls_gap', 'resolved', 'old', now() - interval '402 days', now() - interval '401 days'), ('rls_gap', 'resolved', 'new', now() - interval '402 days', now() - interval '399 days');
insert into core.alerts (rule, state, message, fired_at) values ('rls_gap', 'firing', 'open', now() - interval '500 days');

select tests.act_as('dbkit_migrator');
select is((core.run_cron('apply-retention')).ok, true, 'the nightly job runs');
select tests.act_as('app_definer');
select results_eq($$ select value from core.metric_samples $$, $$ values (2::double precision) $$, 'samples stay for three days');
select results_eq($$ select samples from core.hourly_metrics $$, $$ values (399::bigint) $$, 'hours for more than a year');
select results_eq($$ select message from core.error_events $$, $$ values ('new') $$, 'errors for ninety days');
select results_eq($$ select queryid from core.query_stats_snapshots $$, $$ values (2::bigint) $$, 'statements for thirty');
select results_eq($$ select name, count(*) from core.cron_runs where name in ('often', 'yearly') group by name order by name $$, $$ values ('often', 1::bigint), ('yearly', 1) $$, 'runs for thirty, and the last one for ever: it says what is due');
select results_eq($$ select message from core.alerts order by message $$, $$ values ('new'), ('open') $$, 'alerts for more than a year, open ones for as long as they are open');
select is_empty($$ select from core.apply_retention_policies() where error is not null $$, 'no policy of the seeds is one that cannot be carried out');
select is_empty($$ select from core.apply_retention_policies() where removed > 0 $$, 'and a second run finds nothing');

select * from finish();
rollback;

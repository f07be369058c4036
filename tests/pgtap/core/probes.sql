-- core.probe_*: what each alert rule asks. A probe answers a number, or nothing where there is no data.
begin;
select plan(47);

select results_eq(
    $$ select r.name from core.alert_rules as r where to_regproc(r.probe) is null order by r.name $$,
    $$ select null::text where false $$,
    'the probe of every seeded rule is there');
select set_eq(
    $$ select 'core.' || proname from pg_proc where pronamespace = 'core'::regnamespace and proname like 'probe_%' $$,
    $$ select distinct probe from core.alert_rules $$,
    'and every probe has a rule');
select is_empty(
    format($$ select proname from pg_proc where pronamespace = 'core'::regnamespace and proname like 'probe\_%%' and has_function_privilege(%L, oid, 'execute') $$, role),
    'no probe is for ' || role)
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as role;

select tests.act_as('app_definer');
-- errors and requests
select is(core.probe_errors(5), 0::double precision, 'no errors');
select is(core.probe_error_rate(5, 'response_ms'), null, 'without requests there is no rate');
insert into core.error_events (action, message, created_at) values ('a', 'now', clock_timestamp()), ('a', 'old', clock_timestamp() - interval '6 minutes');
insert into core.metric_samples (name, value, created_at) select 'response_ms', i, clock_timestamp() from generate_series(1, 50) as i;
insert into core.metric_samples (name, value, created_at) values ('response_ms', 9999, clock_timestamp() - interval '6 minutes'), ('db_cpu', 70, clock_timestamp()), ('db_cpu', 90, clock_timestamp());
select is(core.probe_errors(5), 1::double precision, 'one in five minutes');
select is(core.probe_errors(7), 2::double precision, 'two in seven');
select is(core.probe_error_rate(5, 'response_ms'), 2::double precision, 'one in fifty is two percent');
select is(core.probe_error_rate(5), 2::double precision, 'of requests, where nothing else is named');
select is(core.probe_metric_p95(5, 'response_ms'), 47.55::double precision, 'the p95 of five minutes');
select ok(core.probe_metric_p95(7, 'response_ms') > 47.55, 'the outlier is of another time');
select is(core.probe_metric_p95(5, 'nothing'), null, 'no samples, no p95');
select is(core.probe_metric_avg(2, 'db_cpu'), 80::double precision, 'the mean of a gauge');
select is(core.probe_metric_avg(2, 'nothing'), null, 'no samples, no mean');

-- the server
select ok(core.probe_connections(0) >= 1, 'this session is a connection');
select ok(core.probe_connections_percent(0) between 0.1 and 100, 'and some percent of what there can be');
select ok(core.probe_slowest_transaction(0) >= 0, 'transactions have an age');
select is(core.probe_slow_statements(0), null, 'without pg_stat_statements nothing is known of statements');

-- the schedule
delete from core.cron_runs;
select is(core.probe_cron_failures(0), 0::double precision, 'nothing failed');
insert into core.cron_runs (name, started_at, finished_at, ok) values ('evaluate-alerts', now() - interval '2 minutes', now(), false);
select is(core.probe_cron_failures(0), 1::double precision, 'a job whose last run failed');
insert into core.cron_runs (name, started_at, finished_at, ok) values ('evaluate-alerts', now() - interval '1 minute', now(), true);
select is(core.probe_cron_failures(0), 0::double precision, 'that it ran again is what counts');
insert into core.cron_runs (name, started_at) values ('apply-retention', now() - interval '61 minutes'), ('aggregate-metrics', now());
select is(core.probe_cron_failures(0), 1::double precision, 'and one that began an hour ago and did not end');
update core.cron_jobs set is_enabled = false where name = 'apply-retention';
select is(core.probe_cron_failures(0), 0::double precision, 'unless it is off');

-- tables
select is(core.probe_rls_gaps(0), 0::double precision, 'no table is open');
select tests.act_as_admin();
create table core.forgotten (id integer);
select tests.act_as('app_definer');
select is(core.probe_rls_gaps(0), 1::double precision, 'a forgotten one is counted');

-- the queue
select is(core.probe_queue_depth(0), 0::double precision, 'nothing waits');
select core.enqueue_for(null, 'send_alert', '{"rule": "a", "message": "b"}'), core.enqueue_for(null, 'send_email', '{"to": "a@example.test"}'), core.enqueue_for(null, 'send_email', '{"to": "a@example.test"}');
select is(core.probe_queue_depth(0, 'send_email'), 2::double precision, 'two e-mails wait');
select is(core.probe_queue_depth(0), 3::double precision, 'among three jobs');
select is(core.probe_queue_depth(0, 'send_email,send_alert'), 3::double precision, 'of two types');
select is(core.probe_queue_depth(0, 'send'), 0::double precision, 'a part of a name is no type');
select core.enqueue_for(null, 'send_email', '{"to": "a@example.test"}', p_run_at => now() + interval '1 hour');
select is(core.probe_queue_depth(0, 'send_email'), 2::double precision, 'a message for later does not wait');
select core.fail_job((select id from core.claim_jobs('w', 1, 'default', '{send_email}')), 'w', 'no mail server', true);
select is(core.probe_queue_depth(0, 'send_email'), 2::double precision, 'one that has to be tried again does');

-- the cache
select is(core.probe_cache_hit_rate(60), null, 'nobody asked the cache');
insert into core.cache_stats (tenant_id, bucket, name, hits, misses)
values (tests.id('north'), date_trunc('minute', clock_timestamp()), 'customers', 3, 1), (tests.id('north'), date_trunc('minute', clock_timestamp()), 'tags', 0, 1),
       (tests.id('north'), clock_timestamp() - interval '2 hours', 'customers', 0, 99);
select is(core.probe_cache_hit_rate(60), 60::double precision, 'three of five in the last hour');

-- backups
select is(core.probe_backup_age(0), 'Infinity'::double precision, 'a backup that never was is older than any');
select is(core.probe_restore_age(0), 'Infinity'::double precision, 'and so is its restore');
insert into core.backup_runs (kind, started_at, finished_at, ok)
values ('dump', now() - interval '28 hours', now() - interval '27 hours', true), ('dump', now() - interval '3 hours', now() - interval '2 hours', false), ('dump', now() - interval '1 hour', null, null);
select is(round(core.probe_backup_age(0)), 27::double precision, 'neither a failed one nor one that goes on counts');
insert into core.backup_runs (kind, started_at, finished_at, ok) values ('basebackup', now() - interval '2 hours', now() - interval '1 hour', true);
select is(round(core.probe_backup_age(0)), 1::double precision, 'one of any kind does');
insert into core.restore_verifications (ok, verified_at) values (false, now() - interval '1 day');
select is(core.probe_restore_age(0), 'Infinity'::double precision, 'a restore that lacked rows proves nothing');
insert into core.restore_verifications (ok, verified_at) values (true, now() - interval '40 days');
select is(round(core.probe_restore_age(0)), 40::double precision, 'a complete one proves something about its day');
select throws_ok($$ select core.probe_backup_age() $$, '42883', null, 'a probe has two arguments');

select * from finish();
rollback;

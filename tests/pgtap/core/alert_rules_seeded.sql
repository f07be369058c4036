-- The alert rules every installation has: the line of each, one step below and one above.
begin;
select plan(22);

select set_eq(
    $$ select name, comparator, threshold, window_minutes, for_minutes, every_minutes, is_enabled from core.alert_rules $$,
    $$ values ('high_error_count',  '>', 50::double precision, 5, 0, 1, true),
              ('high_error_rate',      '>', 1,    5,  5,  1,    true),
              ('slow_response',        '>', 1000, 5,  5,  1,    true),
              ('slow_transaction',     '>', 5000, 0,  0,  1,    true),
              ('db_cpu_high',          '>', 80,   2,  10, 1,    true),
              ('email_queue_depth',    '>', 1000, 0,  0,  1,    true),
              ('high_connections',     '>', 80,   0,  0,  5,    true),
              ('pool_utilization',     '>', 80,   0,  0,  5,    true),
              ('slow_statements',      '>', 0,    0,  0,  60,   true),
              ('cache_hit_low',        '<', 80,   60, 0,  5,    true),
              ('backup_missing',       '>', 26,   0,  0,  1440, true),
              ('restore_test_missing', '>', 31,   0,  0,  1440, true),
              ('cron_failed',          '>', 0,    0,  0,  1,    true),
              ('rls_gap',              '>', 0,    0,  0,  1440, true) $$,
    'fourteen rules: the line of each, its window, how long it must last and how often it is asked, in minutes');
create function tests.state_of(p_rule text) returns text language plpgsql as $fn$
begin
    perform core.evaluate_alerts(p_rule);
    return (select state from core.alert_status where rule = p_rule);
end $fn$;

-- errors
insert into core.error_events (action, message, created_at) select 'a', 'm', clock_timestamp() from generate_series(1, 50);
select is(tests.state_of('high_error_count'), 'ok', 'fifty errors in five minutes are not too many');
insert into core.error_events (action, message, created_at) values ('a', 'm', clock_timestamp());
select is(tests.state_of('high_error_count'), 'firing', 'fifty-one are');
insert into core.metric_samples (name, value, created_at) select 'response_ms', 1000, clock_timestamp() from generate_series(1, 5100);
select is(tests.state_of('high_error_rate'), 'ok', 'one percent of requests is not too many');
insert into core.error_events (action, message, created_at) values ('a', 'm', clock_timestamp());
select is(tests.state_of('high_error_rate'), 'pending', 'more than one percent is, in five minutes'' time');
update core.alerts set first_seen_at = first_seen_at - interval '5 minutes' where rule = 'high_error_rate';
select is(tests.state_of('high_error_rate'), 'firing', 'when it lasts');

-- responses and the host
select is(tests.state_of('slow_response'), 'ok', 'a second is not slow');
insert into core.metric_samples (name, value, created_at) select 'response_ms', 1001, clock_timestamp() from generate_series(1, 300);
select is(tests.state_of('slow_response'), 'pending', 'more than a second for one in twenty is');
select is(tests.state_of('db_cpu_high'), 'unknown', 'a host that tells nothing is not well');
insert into core.metric_samples (name, value, created_at) values ('db_cpu', 81, clock_timestamp());
select is(tests.state_of('db_cpu_high'), 'pending', 'a busy one has ten minutes');

-- the queue
select core.enqueue_for(null, 'send_email', '{"to": "a@example.test"}') from generate_series(1, 1000);
select is(tests.state_of('email_queue_depth'), 'ok', 'a thousand e-mails may wait');
select core.enqueue_for(null, 'send_email', '{"to": "a@example.test"}');
select is(tests.state_of('email_queue_depth'), 'firing', 'a thousand and one may not');
delete from core.jobs_ready where job_type = 'send_email';
select is(tests.state_of('email_queue_depth'), 'ok', 'sent, they wait no longer');
select core.enqueue_for(null, 'send_email', '{"to": "a@example.test"}'), core.enqueue_for(null, 'tenant_invite', '{}'), core.enqueue_for(null, 'batch_email', '{}')
  from generate_series(1, 334);
select is(tests.state_of('email_queue_depth'), 'firing', 'whatever kind of e-mail they are');

-- cache, backups, schedule, tables
insert into core.cache_stats (tenant_id, bucket, name, hits, misses) values (tests.id('north'), date_trunc('minute', clock_timestamp()), 'customers', 80, 20);
select is(tests.state_of('cache_hit_low'), 'ok', 'four hits of five are enough');
update core.cache_stats set misses = 21;
select is(tests.state_of('cache_hit_low'), 'firing', 'fewer are not');
insert into core.backup_runs (kind, started_at, finished_at, ok) values ('dump', now() - interval '26 hours', now() - interval '25 hours', true);
select is(tests.state_of('backup_missing'), 'ok', 'yesterday''s backup is one');
update core.backup_runs set finished_at = finished_at - interval '2 hours', started_at = started_at - interval '2 hours';
select is(tests.state_of('backup_missing'), 'firing', 'one of the day before is missing');
select is(tests.state_of('restore_test_missing'), 'firing', 'and a backup nobody restored is a hope');
select is(tests.state_of('rls_gap'), 'ok', 'no table is open');
select tests.act_as_admin();
create table core.forgotten (id integer);
select is(tests.state_of('rls_gap'), 'firing', 'until one is');
select ok((select count(*) = (select count(*) from core.alerts where fired_at is not null) and bool_and(tenant_id is null) from core.job_queue where job_type = 'send_alert'), 'people were told of each once, by jobs of the platform');

select * from finish();
rollback;

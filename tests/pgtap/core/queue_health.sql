-- core.queue_health: depth, age, failures by queue and type; for monitoring, without a word about tenants.
begin;
select plan(11);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select is_empty($$ select from core.queue_health $$, 'nothing was queued, nothing stands there');

-- Both tenants, two queues, every state.
select core.enqueue_for(tests.id('north'), 'send_email', '{"to": "a@example.test"}') from generate_series(1, 4);
select core.enqueue_for(tests.id('south'), 'send_email', '{"to": "b@example.test"}') from generate_series(1, 2);
select core.enqueue_for(tests.id('south'), 'send_sms', '{"to": "+15551234567"}', p_queue => 'fair');
select core.enqueue_for(tests.id('north'), 'send_email', '{"to": "a@example.test"}', p_run_at => clock_timestamp() + interval '1 day');
update core.jobs_ready set scheduled_at = clock_timestamp() - interval '10 minutes'
 where id = (select id from core.jobs_ready where job_type = 'send_email' order by id limit 1);

select tests.act_as('app_monitor');
select results_eq(
    $$ select queue, job_type, ready, scheduled, retrying, processing, stuck, failed, failed_last_hour from core.queue_health order by queue, job_type $$,
    $$ values ('default', 'send_email', 6::bigint, 1::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint),
              ('fair', 'send_sms', 1, 0, 0, 0, 0, 0, 0) $$,
    'waiting and later, by queue and type, all tenants together');
select ok(
    (select oldest_ready_seconds between 600 and 660 from core.queue_health where job_type = 'send_email'),
    'the oldest has been due for ten minutes');
select ok((select oldest_ready_seconds < 60 from core.queue_health where job_type = 'send_sms'), 'the other has only come');

select tests.act_as('app_worker');
create temporary table claimed as select id from core.claim_jobs('w', 3, 'default', '{send_email}');
select core.fail_job(id, 'w', 'no such box', p_retryable => false) from (select id from claimed order by id limit 1) as first;
select core.fail_job(id, 'w', 'no server') from (select id from claimed order by id offset 1 limit 1) as second;
select tests.act_as('app_monitor');
select results_eq(
    $$ select ready, scheduled, retrying, processing, stuck, failed, failed_last_hour from core.queue_health where job_type = 'send_email' $$,
    $$ values (3::bigint, 2::bigint, 1::bigint, 1::bigint, 0::bigint, 1::bigint, 1::bigint) $$,
    'one runs, one is tried again later, one has failed');

select tests.act_as_admin();
update core.job_leases set lease_until = clock_timestamp() - interval '1 second';
update core.jobs_dead set finished_at = finished_at - interval '2 hours';
select tests.act_as('app_monitor');
select results_eq(
    $$ select processing, stuck, failed, failed_last_hour from core.queue_health where job_type = 'send_email' $$,
    $$ values (1::bigint, 1::bigint, 1::bigint, 0::bigint) $$,
    'a lease that ran out is stuck, and a failure grows old');
select is_empty(
    $$ select a.attname from pg_attribute as a where a.attrelid = 'core.queue_health'::regclass and a.attnum > 0 and a.attname ~ 'tenant|payload|error|id$' $$,
    'whose jobs they are, monitoring does not learn');

select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.queue_health $$, '42501', 'permission denied for view queue_health', 'an owner of a tenant does not read it');
select tests.act_as('app_renter', 'ann');
select throws_ok($$ select from core.queue_health $$, '42501', 'permission denied for view queue_health', 'nor does a renter');
select tests.act_as('app_worker');
select throws_ok($$ select from core.queue_health $$, '42501', 'permission denied for view queue_health', 'nor a worker');
select tests.act_as('app_anon');
select throws_ok($$ select from core.queue_health $$, '42501', 'permission denied for view queue_health', 'nor a visitor');
select tests.act_as_admin();

select * from finish();
rollback;

-- core.cancel_job, core.retry_job: by members who may, and by the platform.
begin;
select plan(29);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob', 'MEMBER');
create temporary table job (name text primary key, id uuid) on commit drop;
grant all on job to public;
create function pg_temp.job(p_name text) returns uuid language sql return (select id from job where name = p_name);

select tests.act_as('app_user', 'ann', 'north');
insert into job values
    ('ready', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'k')),
    ('later', core.enqueue('send_email', '{"to": "x"}', p_run_at => clock_timestamp() + interval '1 day'));
select results_eq($$ select id, status, failed_at from core.cancel_job(pg_temp.job('ready')) $$, $$ values (pg_temp.job('ready'), 'cancelled', null::timestamptz) $$, 'a pending job can be cancelled');
select throws_ok($$ select core.cancel_job(pg_temp.job('ready')) $$, 'PT409', 'conflict', 'once');
select results_eq($$ select status from core.cancel_job(pg_temp.job('later')) $$, array['cancelled'], 'a delayed one too');
insert into job values ('key again', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'k'));
select isnt(pg_temp.job('key again'), pg_temp.job('ready'), 'which frees its key');
select throws_ok($$ select core.retry_job(pg_temp.job('ready')) $$, 'PT409', 'conflict', 'a cancelled job does not start again while another one holds the key');
select core.cancel_job(pg_temp.job('key again'));
select results_eq($$ select status, retry_count from core.retry_job(pg_temp.job('ready')) $$, $$ values ('pending', 0) $$, 'else it does');
select throws_ok($$ select core.retry_job(pg_temp.job('ready')) $$, 'PT409', 'conflict', 'once');
select is(core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'k'), pg_temp.job('ready'), 'and holds its key again');

select tests.act_as('app_worker');
select isnt_empty($$ select from core.next_jobs('w1') $$, 'a running job');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.cancel_job(pg_temp.job('ready')) $$, 'PT409', 'conflict', 'cannot be cancelled');
select is(tests.error_of($$ select core.cancel_job(pg_temp.job('ready')) $$) ->> 'hint', '{"status": "processing"}', 'the hint says its state');
select throws_ok($$ select core.retry_job(pg_temp.job('ready')) $$, 'PT409', 'conflict', 'nor retried');
select tests.act_as('app_worker');
select core.fail_job(pg_temp.job('ready'), 'w1', 'broken', false);
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select status, error_message from core.retry_job(pg_temp.job('ready')) $$, $$ values ('pending', 'broken') $$, 'a failed one can');

-- others
select tests.act_as('app_user', 'sue', 'south');
select throws_ok($$ select core.cancel_job(pg_temp.job('ready')) $$, 'PT404', 'not_found', 'south cannot cancel a north job by its exact id');
select throws_ok($$ select core.retry_job(pg_temp.job('later')) $$, 'PT404', 'not_found', 'nor retry one');
select is(
    tests.error_of($$ select core.cancel_job(pg_temp.job('ready')) $$), tests.error_of($$ select core.cancel_job(gen_random_uuid()) $$),
    'it looks as if there were none');
select tests.act_as('app_user', 'bob', 'north');
select throws_ok($$ select core.cancel_job(pg_temp.job('ready')) $$, 'PT403', 'forbidden', 'a member without jobs_queue.manage cannot cancel');
select throws_ok($$ select core.retry_job(pg_temp.job('later')) $$, 'PT403', 'forbidden', 'nor retry');
select throws_ok($$ select core.platform_cancel_job(pg_temp.job('ready')) $$, '42501', 'permission denied for function platform_cancel_job', 'nor act as the platform');
select throws_ok($$ select core.platform_retry_job(pg_temp.job('later')) $$, '42501', 'permission denied for function platform_retry_job', 'in no way');
select throws_ok($$ select core.change_job(pg_temp.job('ready'), 'cancelled', null, true) $$, '42501', 'permission denied for function change_job', 'by no door');

-- the platform
select tests.act_as('app_platform_admin');
select results_eq($$ select status from core.find_job(pg_temp.job('later')) $$, array['cancelled'], 'the platform sees jobs of every tenant');
select results_eq($$ select status from core.platform_retry_job(pg_temp.job('later')) $$, array['pending'], 'and retries');
select results_eq($$ select status from core.platform_cancel_job(pg_temp.job('ready')) $$, array['cancelled'], 'and cancels them');
select throws_ok($$ select core.platform_cancel_job(gen_random_uuid()) $$, 'PT404', 'not_found', 'those there are');
select throws_ok($$ select core.cancel_job(pg_temp.job('later')) $$, '42501', 'permission denied for function cancel_job', 'but not as a member');
select results_eq(
    $$ select queue, job_type, ready, scheduled, processing, failed from core.queue_health where job_type = 'send_email' $$,
    $$ values ('default', 'send_email', 1::bigint, 0::bigint, 0::bigint, 0::bigint) $$, 'core.queue_health counts them');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.queue_health $$, '42501', 'permission denied for view queue_health', 'for monitoring only');
select throws_ok($$ select from core.all_jobs $$, '42501', 'permission denied for view all_jobs', 'and all jobs for nobody');

select * from finish();
rollback;

-- core.cancel_job, core.retry_job: by members who may, and by the platform.
begin;
select plan(45);

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
select throws_ok($$ select core.retry_job(pg_temp.job('ready')) $$, 'PT409', 'conflict', 'is not retried');
select is(tests.error_of($$ select core.retry_job(pg_temp.job('ready')) $$) ->> 'hint', '{"status": "processing"}', 'the hint says its state');
select tests.act_as('app_worker');
select core.fail_job(pg_temp.job('ready'), 'w1', 'broken', false);
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select status, error_message from core.retry_job(pg_temp.job('ready')) $$, $$ values ('pending', 'broken') $$, 'a failed one can');

-- running ones
create temporary table run (name text primary key, lease_id bigint) on commit drop;
grant all on run to public;
insert into job
select name, core.enqueue('send_sms', '{"to": "x"}', p_dedupe_key => name) from unnest(array['run 1', 'run 2', 'run 3', 'alone']) as name;
insert into job
select name, core.enqueue('data_import', jsonb_build_object('name', name)) from unnest(array['again 1', 'again 2']) as name;
select tests.act_as('app_worker');
insert into run select 'batch', max(lease_id) from core.next_jobs('w1', 3, p_types => '{send_sms}');
insert into run select 'alone', max(lease_id) from core.next_jobs('w1', 3, p_types => '{send_sms}');
select tests.act_as('app_user', 'sue', 'south');
select throws_ok($$ select core.cancel_job(pg_temp.job('run 1')) $$, 'PT404', 'not_found', 'south cannot cancel a running north job');
select tests.act_as('app_user', 'ann', 'north');
select results_eq(
    $$ select status, locked_by, started_at is not null, failed_at from core.cancel_job(pg_temp.job('run 1')) $$,
    $$ values ('cancelled', null::text, true, null::timestamptz) $$, 'a running job can be cancelled');
select throws_ok($$ select core.cancel_job(pg_temp.job('run 1')) $$, 'PT409', 'conflict', 'once');
select results_eq($$ select status from core.cancel_job(pg_temp.job('alone')) $$, array['cancelled'], 'so can one that runs alone');
select isnt(core.enqueue('send_sms', '{"to": "x"}', p_dedupe_key => 'run 1'), pg_temp.job('run 1'), 'its key is free');
select tests.act_as('app_worker');
select results_eq(
    $$ select run.name, beat.is_held, beat.cancelled from core.heartbeat((select array_agg(lease_id) from run)) as beat join run using (lease_id) order by 1 $$,
    $$ values ('alone', false, array[pg_temp.job('alone')]), ('batch', true, array[pg_temp.job('run 1')]) $$, 'the heartbeat says which were cancelled');
select throws_ok(
    $$ select core.complete_jobs((select lease_id from run where name = 'batch'), array[pg_temp.job('run 1'), pg_temp.job('run 2')]) $$,
    'PT409', 'conflict', 'that a cancelled job was completed is refused');
select throws_ok($$ select core.complete_jobs((select lease_id from run where name = 'alone')) $$, 'PT409', 'conflict', 'in every form');
select is(core.complete_jobs((select lease_id from run where name = 'batch'), array[pg_temp.job('run 2')]), 1, 'the others of the batch go on');
select throws_ok(
    $$ select core.complete_jobs((select lease_id from run where name = 'batch')) $$,
    'PT409', 'conflict', 'that all is done is no word about a batch that has lost a job');
select throws_ok(
    $$ select from core.next_jobs('w1', p_types => '{send_sms}', p_lease => (select lease_id from run where name = 'batch')) $$,
    'PT409', 'conflict', 'nor with a claim');
select is(core.complete_jobs((select lease_id from run where name = 'batch'), array[pg_temp.job('run 3')]), 1, 'named, they are done to the last');

-- cancelled and queued again, before the first worker heard of it
insert into run select 'again', max(lease_id) from core.next_jobs('w1', 2, p_types => '{data_import}');
select tests.act_as('app_user', 'ann', 'north');
select core.cancel_job(pg_temp.job('again 1')), core.retry_job(pg_temp.job('again 1'));
select tests.act_as('app_worker');
select results_eq(
    $$ select beat.is_held, beat.cancelled from core.heartbeat((select array_agg(lease_id) from run where name = 'again')) as beat $$,
    $$ values (true, array[pg_temp.job('again 1')]) $$, 'a job queued again is told as cancelled to the worker that had it');
select throws_ok(
    $$ select core.complete_jobs((select lease_id from run where name = 'again')) $$, 'PT409', 'conflict', 'which cannot call it done with the rest');
select is(core.complete_jobs((select lease_id from run where name = 'again'), array[pg_temp.job('again 2')]), 1, 'only the rest');
select tests.act_as('app_user', 'ann', 'north');
select results_eq(
    $$ select job.name, j.status from job join core.job_queue as j using (id) where job.name like 'again%' order by 1 $$,
    $$ values ('again 1', 'pending'), ('again 2', 'completed') $$, 'it waits for its second run');
select results_eq(
    $$ select job.name, j.status from job join core.job_queue as j using (id) where job.name like 'run%' or job.name = 'alone' order by 1 $$,
    $$ values ('alone', 'cancelled'), ('run 1', 'cancelled'), ('run 2', 'completed'), ('run 3', 'completed') $$, 'each is told once and rightly');

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

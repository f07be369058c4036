-- core.put_cron_job: what seeds say is restored, what operators say stays.
begin;
select plan(6);

select tests.act_as('app_definer');
select lives_ok($$ select core.put_cron_job('nightly', '0 1 * * *', 'select core.apply_retention_policies()', 'core', 'First.') $$, 'a job is added');
update core.cron_jobs set is_enabled = false where name = 'nightly';
select lives_ok($$ select core.put_cron_job('nightly', '0 2 * * *', 'select core.apply_retention_policies()', 'core', 'Second.') $$, 'and put again');
select results_eq($$ select schedule, description, is_enabled from core.cron_jobs where name = 'nightly' $$, $$ values ('0 2 * * *', 'Second.', false) $$, 'the schedule follows, the switch does not');
select throws_ok($$ select core.put_cron_job('nightly', '0 2 * * *', 'drop table core.users', 'core') $$, '23514', null, 'a command is one call');
select tests.act_as('app_user');
select throws_ok($$ select core.put_cron_job('nightly', '* * * * *', 'select core.apply_retention_policies()', 'core') $$, '42501', 'permission denied for function put_cron_job', 'applications have no schedule');
select tests.act_as('app_worker');
select throws_ok($$ select core.put_cron_job('nightly', '* * * * *', 'select core.apply_retention_policies()', 'core') $$, '42501', 'permission denied for function put_cron_job', 'nor have workers');

select * from finish();
rollback;

-- core.cron_status: a job, whether it can run, and its last run.
begin;
select plan(7);

delete from core.cron_jobs;
select core.put_cron_job('there', '* * * * *', 'select core.apply_retention_policies()', 'core');
select core.put_cron_job('absent', '* * * * *', 'select core.not_there()', 'core');
select core.put_cron_job('table', '* * * * *', 'vacuum core.users', 'core', '', 'bare');
select core.put_cron_job('no-table', '* * * * *', 'vacuum core.not_there', 'core', '', 'bare');
insert into core.cron_runs (name, started_at, finished_at, ok, message)
values ('there', '2026-01-01 10:00+00', '2026-01-01 10:01+00', true, 'older'), ('there', '2026-01-01 11:00+00', '2026-01-01 11:01+00', false, 'newer');
insert into core.cron_runs (name, started_at) values ('table', '2026-01-01 10:00+00');

select tests.act_as('app_monitor');
select results_eq($$ select name, is_installed from core.cron_status order by name $$, $$ values ('absent', false), ('no-table', false), ('table', true), ('there', true) $$, 'what a command needs is looked up');
select results_eq($$ select last_message, last_ok from core.cron_status where name = 'there' $$, $$ values ('newer', false) $$, 'the last run counts');
select results_eq($$ select last_ok, last_finished_at from core.cron_status where name = 'table' $$, $$ values (null::boolean, null::timestamptz) $$, 'a run without an end has none');
select results_eq($$ select last_started_at from core.cron_status where name = 'absent' $$, $$ values (null::timestamptz) $$, 'a job that never ran is listed too');
select results_eq($$ select count(*) from core.cron_status $$, $$ values (4::bigint) $$, 'once each');
select tests.act_as('app_user');
select throws_ok($$ select from core.cron_status $$, '42501', 'permission denied for view cron_status', 'the view is for monitoring');
select tests.act_as('app_worker');
select throws_ok($$ select from core.cron_status $$, '42501', 'permission denied for view cron_status', 'not for workers');

select * from finish();
rollback;

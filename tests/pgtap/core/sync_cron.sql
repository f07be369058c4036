-- core.sync_cron without pg_cron: the schedule stays data. With it: tests/ops/test_pg_cron.py.
begin;
select plan(5);

select tests.act_as('dbkit_migrator');
select results_eq($$ select distinct action from core.sync_cron() $$, $$ values ('kept as data') $$, 'without pg_cron nothing is registered and nothing fails');
select set_eq($$ select name from core.sync_cron() $$, $$ select name from core.cron_jobs $$, 'every job is named');
select tests.act_as_admin();
insert into core.app_settings (key, is_required) values ('extension.pg_cron', true);
select tests.act_as('dbkit_migrator');
select throws_ok($$ select core.sync_cron() $$, 'PT503', 'unavailable', 'where the settings require it, its absence is an error');
select tests.act_as('app_user');
select throws_ok($$ select core.sync_cron() $$, '42501', 'permission denied for function sync_cron', 'applications do not register jobs');
select tests.act_as('app_worker');
select throws_ok($$ select core.sync_cron() $$, '42501', 'permission denied for function sync_cron', 'nor do workers');

select * from finish();
rollback;

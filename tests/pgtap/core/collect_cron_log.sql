-- core.collect_cron_log without pg_cron: nothing to collect. With it: tests/ops/test_pg_cron.py.
begin;
select plan(4);

select tests.act_as('dbkit_migrator');
select is(core.collect_cron_log(), 0::bigint, 'without pg_cron there is no log to collect');
select is_empty($$ select from core.cron_runs where pg_cron_runid is not null $$, 'and none is made up');
select tests.act_as('app_user');
select throws_ok($$ select core.collect_cron_log() $$, '42501', 'permission denied for function collect_cron_log', 'applications do not collect it');
select tests.act_as('app_worker');
select throws_ok($$ select core.collect_cron_log() $$, '42501', 'permission denied for function collect_cron_log', 'nor do workers');

select * from finish();
rollback;

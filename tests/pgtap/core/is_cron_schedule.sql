-- core.is_cron_schedule: what a schedule is. That pg_cron agrees: tests/ops/test_pg_cron.py.
begin;
select plan(42);

select tests.act_as('app_definer');
select ok(core.is_cron_schedule(schedule), 'accepted: ' || schedule)
  from unnest(array[
    '* * * * *', '*/5 * * * *', '0 0 * * 0', '0 0 * * 7', '0 0 1,15 * *', '0-30/10 9-17 * * mon-fri', '0 0 1 jan,jul *', '59 23 31 12 6', '5-5 * * * *', '0 0 * * sun', '0 0 * jan-mar *', '00 07 * * *', '*/90 * * * *', '0 0 30 2 *']) as schedule;
select ok(not core.is_cron_schedule(schedule), 'refused: ' || schedule)
  from unnest(array[
    '60 * * * *', '* 24 * * *', '* * 0 * *', '* * 32 * *', '* * * 0 *', '* * * 13 *', '* * * * 8', '* * * *', '* * * * * *', '', 'a * * * *', '* * * foo *', '* * * * foo', '5/10 * * * *', '*/0 * * * *', '5-1 * * * *', ', * * * *', '1, * * * *', '-1 * * * *', '1- * * * *', '* * * * jan', '* * * mon *', '1.5 * * * *', '@daily', 'mon * * * *']) as schedule;
select is(core.is_cron_schedule(null), null, 'nothing is nothing');
select throws_ok($$ select core.put_cron_job('odd', '61 * * * *', 'select core.purge_jobs()', 'core') $$, '23514', null, 'a job has no other schedule');
select tests.act_as('app_user');
select throws_ok($$ select core.is_cron_schedule('* * * * *') $$, '42501', 'permission denied for function is_cron_schedule', 'for the schedule only');

select * from finish();
rollback;

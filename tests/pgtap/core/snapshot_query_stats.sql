-- core.snapshot_query_stats without pg_stat_statements: a job that has nothing to do. With it: tests/ops/test_views.py.
begin;
select plan(4);

select tests.act_as('app_definer');
select is(core.snapshot_query_stats(), 0, 'there is nothing to keep');
select is_empty($$ select from core.query_stats_snapshots $$, 'and nothing is kept');
select tests.act_as('app_monitor');
select throws_ok($$ select core.snapshot_query_stats() $$, '42501', 'permission denied for function snapshot_query_stats', 'monitoring starts no job');
select tests.act_as('app_user');
select throws_ok($$ select core.snapshot_query_stats() $$, '42501', 'permission denied for function snapshot_query_stats', 'nor do applications');

select * from finish();
rollback;

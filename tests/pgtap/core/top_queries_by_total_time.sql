-- core.top_queries_by_total_time without pg_stat_statements: it is there, and says what is missing. With it: tests/ops/test_views.py.
begin;
select plan(3);

select tests.act_as('app_monitor');
select throws_ok($$ select * from core.top_queries_by_total_time $$, 'PT503', 'unavailable', 'what is missing is an error, not an empty answer');
select is(tests.error_of($$ select * from core.top_queries_by_total_time $$) -> 'hint' is not null, true, 'with a hint');
select tests.act_as('app_user');
select throws_ok($$ select * from core.top_queries_by_total_time $$, '42501', 'permission denied for view top_queries_by_total_time', 'texts of statements are for monitoring');

select * from finish();
rollback;

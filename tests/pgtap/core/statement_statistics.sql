-- core.statement_statistics without pg_stat_statements. With it: tests/ops/test_views.py.
begin;
select plan(3);

select tests.act_as('app_monitor');
select throws_ok($$ select core.statement_statistics() $$, 'PT503', 'unavailable', 'what is missing is an error');
select is((tests.error_of($$ select core.statement_statistics() $$) ->> 'hint')::jsonb, '{"run": "create extension pg_stat_statements"}', 'and the hint says what to do');
select tests.act_as('app_user');
select throws_ok($$ select core.statement_statistics() $$, '42501', 'permission denied for function statement_statistics', 'texts of statements are for monitoring');

select * from finish();
rollback;

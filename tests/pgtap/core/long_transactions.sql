-- core.long_transactions alone in a database: nothing. With other sessions: tests/ops/test_views.py.
begin;
select plan(3);

select tests.act_as('app_monitor');
select is_empty($$ select from core.long_transactions as v where to_jsonb(v) ->> 'database_name' = current_database() $$, 'the session that asks is not shown');
select tests.act_as('app_user');
select throws_ok($$ select from core.long_transactions $$, '42501', 'permission denied for view long_transactions', 'texts of statements are for monitoring');
select tests.act_as('app_worker');
select throws_ok($$ select from core.long_transactions $$, '42501', 'permission denied for view long_transactions', 'not for workers');

select * from finish();
rollback;

-- core.blocking_locks alone in a database: nothing. With other sessions: tests/ops/test_views.py.
begin;
select plan(3);

select tests.act_as('app_monitor');
select is_empty($$ select from core.blocking_locks as v where to_jsonb(v) ->> 'database_name' = current_database() $$, 'the session that asks is not shown');
select tests.act_as('app_user');
select throws_ok($$ select from core.blocking_locks $$, '42501', 'permission denied for view blocking_locks', 'texts of statements are for monitoring');
select tests.act_as('app_worker');
select throws_ok($$ select from core.blocking_locks $$, '42501', 'permission denied for view blocking_locks', 'not for workers');

select * from finish();
rollback;

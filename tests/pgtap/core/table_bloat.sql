-- core.table_bloat: every table has its row. That the ratio rises and falls: tests/ops/test_views.py.
begin;
select plan(3);

select tests.act_as('app_monitor');
select set_eq(
    $$ select schema_name, table_name from core.table_bloat where schema_name = 'core' $$,
    $$ select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname = 'core' and c.relkind in ('r', 'm') $$,
    'every table is listed');
select ok((select bool_and(dead_ratio between 0 and 1) is not false from core.table_bloat), 'a ratio is between none and all');
select tests.act_as('app_user');
select throws_ok($$ select from core.table_bloat $$, '42501', 'permission denied for view table_bloat', 'the view is for monitoring');

select * from finish();
rollback;

-- core.connection_usage: a row for each database and one for the server. That the numbers move: tests/ops/test_views.py.
begin;
select plan(7);

select tests.act_as('app_monitor');
select results_eq($$ select count(*) from core.connection_usage where database_name is null $$, $$ values (1::bigint) $$, 'the server has one row');
select ok((select used >= 1 and active >= 1 from core.connection_usage where database_name = current_database()), 'this session is used and active');
select ok((select max_connections = current_setting('max_connections')::integer
                  and reserved >= current_setting('superuser_reserved_connections')::integer
                  and available = max_connections - reserved - used from core.connection_usage where database_name is null), 'what is left is what is neither used nor reserved');
select ok((select used = (select sum(d.used) from core.connection_usage as d where d.database_name is not null) from core.connection_usage where database_name is null), 'the server is the sum of its databases');
select is_empty(
    $$ select d.database_name, d.available, s.available from core.connection_usage as d, core.connection_usage as s
        where s.database_name is null and d.available is distinct from s.available $$,
    'what is left is left for every database (of several: tests/ops/test_views.py)');
select tests.act_as_admin();
update pg_database set datconnlimit = 3 where datname = current_database();
select tests.act_as('app_monitor');
select ok((select available = greatest(0, 3 - used) and max_connections = 3 from core.connection_usage where database_name = current_database()),
    'and one with a limit has what is left of that');
select tests.act_as('app_user');
select throws_ok($$ select from core.connection_usage $$, '42501', 'permission denied for view connection_usage', 'the view is for monitoring');

select * from finish();
rollback;

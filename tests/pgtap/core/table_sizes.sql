-- core.table_sizes: heap, indexes and out-of-line values, whatever the name is.
begin;
select plan(6);

create table core."Mixed Case" (id integer primary key, note text);
alter table core."Mixed Case" alter column note set storage external;
insert into core."Mixed Case" select i, repeat(md5(i::text), 200) from generate_series(1, 50) as i;
analyze core."Mixed Case";

select tests.act_as('app_monitor');
select results_eq($$ select estimated_rows from core.table_sizes where table_name = 'Mixed Case' $$, $$ values (50::bigint) $$, 'a name that needs quotes is listed');
select ok((select heap_bytes > 0 and index_bytes > 0 and toast_bytes > 50 * 6000 and total_bytes >= heap_bytes + index_bytes + toast_bytes from core.table_sizes where table_name = 'Mixed Case'),
    'the parts are measured and the whole is not less than them');
select is((select total from core.table_sizes where table_name = 'Mixed Case'), (select pg_size_pretty(total_bytes) from core.table_sizes where table_name = 'Mixed Case'), 'once in bytes, once for people');
select is((select table_name from core.table_sizes limit 1), 'Mixed Case'::name, 'the largest comes first');
select is_empty($$ select from core.table_sizes where schema_name in ('pg_catalog', 'pg_toast', 'information_schema') $$, 'system tables are left out');
select tests.act_as('app_user');
select throws_ok($$ select from core.table_sizes $$, '42501', 'permission denied for view table_sizes', 'the view is for monitoring');

select * from finish();
rollback;

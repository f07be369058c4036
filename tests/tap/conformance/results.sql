-- How results are printed.
begin;
select 1, null, '', 'a|b', E'two\nlines', true, false, 1.50, array[1, null], row(1, 'x'), '{"a": 1}'::jsonb;
select;
select 1 where false;
select * from generate_series(1, 3);
values (1, 'a'), (2, 'b');
table pg_catalog.pg_auth_members limit 0;
\pset null <null>
select null, 1;
\pset null ''
\pset fieldsep ' ; '
select 1, 2, 3;
\pset fieldsep '|'
\pset recordsep '//'
select * from generate_series(1, 3);
select 1 where false;
\pset recordsep '\n'
\pset tuples_only off
select 1 as one, 2 as two union all select 3, 4;
select 1 as one where false;
select 1 as only;
\pset footer off
select 1 as one;
\pset footer on
\t on
\x on
select 1 as one, 'b' as two union all select 3, 'd';
select 1 where false;
\x off
\pset pager off
\pset format unaligned
\f ','
select 1, 2;
\f '|'
\pset title 'a title'
select 1;
\pset tuples_only off
select 1;
\pset title
\pset tuples_only on
create temp table t (a int, b text);
insert into t values (1, 'x') returning a, b;
insert into t values (2, 'y');
update t set b = 'z' returning *;
delete from t where a = 1 returning b;
\set QUIET off
insert into t values (3, 'q') returning a;
insert into t values (4, 'q');
select count(*) from t;
begin;
create table u (a int);
copy t to stdout;
explain (costs off) select 1;
show application_name_that_is_not_there;

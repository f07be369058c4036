begin;
create temp table t (a int, b text);
copy t from stdin;
1	x; y
2	\N
3	back\\slash 'quote
\.
copy t (a, b) from stdin with (format csv, header);
a,b
4,"four; $$ -- not a comment"
5,
\.
select * from t order by a;
copy t to stdout;
copy (select a from t order by a) to stdout with (format csv, header);
copy t from stdin;
\.
select count(*) from t;
\set ON_ERROR_STOP off
copy t from stdin;
not a number	x
\.
rollback;
copy (select 1 / (2 - x) from generate_series(1, 3) x) to stdout;
select 'still alive';

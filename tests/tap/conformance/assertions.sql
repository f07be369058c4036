-- Every kind of TAP line, most of them failing on purpose.
\unset ECHO
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
\set ON_ERROR_ROLLBACK 1
\set ON_ERROR_STOP true
begin;
select plan(14);
select ok(true, 'passes');
select ok(false, 'fails');
select ok(false);
select is(1, 2, 'with # a hash and \ a backslash');
select is('a'::text, null, E'two\nlines');
select results_eq('select generate_series(1, 3)', array[1, 2, 4], 'results_eq');
select set_eq('select generate_series(1, 3)', 'values (2), (9)', 'set_eq');
select bag_eq('values (1), (1)', array[1], 'bag_eq');
select throws_ok('select 1/0', '22012', 'division by zero', 'throws_ok');
select throws_ok('select 1', '22012');
select lives_ok('select 1/0', 'lives_ok');
select * from skip('skipped', 1);
select todo('later', 1);
select ok(false, 'a todo');
select diag('a diagnostic', E'of two\nlines');
select has_table('no_such_table');
select matches('foo'::text, '^b', 'matches');
select * from finish();
rollback;

-- core.page: the limit is clamped first, the offset follows from it.
begin;
select plan(15);

select tests.act_as('app_user');
select results_eq(
    format($$ select * from core.page(%s) $$, example.arguments),
    format($$ values (%s, %s) $$, example.lim, example.off),
    'page(' || example.arguments || ') is limit ' || example.lim || ' offset ' || example.off)
  from (values
    ('1, 50', 50, 0), ('2, 50', 50, 50), ('2, 500', 100, 100), ('1, 0', 1, 0), ('1, -1', 1, 0), ('1, null', 50, 0), ('null, null', 50, 0),
    ('3, 20, 10', 10, 20), ('2, 500, 500', 500, 500), ('1, 5, 0', 1, 0)
  ) as example (arguments, lim, off);

select throws_ok($$ select core.page(0, 50) $$, 'PT400', 'bad_request', 'there is no page 0');
select throws_ok($$ select core.page(-1, 50) $$, 'PT400', 'bad_request', 'nor page -1');
select throws_ok($$ select core.page(2147483647, 50) $$, 'PT400', 'bad_request', 'nor one whose offset is beyond reach');
select throws_ok($$ select core.page(1, 'x') $$, '22P02', null, 'a limit that is no number is Postgres'' own error');
select results_eq(
    $$ select n from generate_series(1, 300) as n order by n limit (select lim from core.page(2, 500)) offset (select off from core.page(2, 500)) $$,
    $$ select n from generate_series(101, 200) as n $$,
    'page 2 of limit 500 is rows 101 to 200');

select * from finish();
rollback;

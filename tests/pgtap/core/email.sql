-- core.email: addresses in lower case.
begin;
select plan(42);

select lives_ok(format($$ select %L::core.email $$, good), 'an address: ' || good)
  from unnest(array[
    'a@b.co', 'ann@example.test', 'ann.lee@example.test', 'ann+tag@example.test', 'ann_lee@example.test', 'ann-lee@example.test', 'ann%lee@example.test',
    '1@2.com', 'a@sub.domain.example.test', 'a@ex-ample.test', 'x@example.museum', 'a.b.c@d.ef', 'info@xn--bcher-kva.example', '0@0.aa', 'a@b.c.d.ef',
    '%@x.yz', '_@x.yz', '+@x.yz', '-@x.yz', repeat('a', 241) || '@example.test'
  ]) as good;
select throws_ok(format($$ select %L::core.email $$, bad), '23514', null, 'no address: ' || left(quote_literal(bad), 40))
  from unnest(array[
    '', 'a', '@', 'a@', '@b.co', 'a@b', 'a@b.c', 'a@b.c|', 'a b@c.de', 'a@b c.de', 'a@b.co ', ' a@b.co', E'a@b.co\n', 'a@@b.co', 'a,b@c.de', 'a<b@c.de', 'a@b.12',
    'a@b_c.de', 'ä@b.co', repeat('a', 242) || '@example.test'
  ]) as bad;
select throws_ok($$ select 'Ann@example.test'::core.email $$, '23514', null, 'upper case is for functions to lower');
select lives_ok($$ select lower('Ann@example.test')::core.email $$, 'lowered it is stored');

select * from finish();
rollback;

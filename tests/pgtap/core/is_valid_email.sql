-- core.is_valid_email: the rule of core.email, in any case.
begin;
select plan(6);

select tests.act_as('app_anon');
select is(core.is_valid_email('Ann.Lee+tag@Example.TEST'), true, 'an address in mixed case is valid');
select is(core.is_valid_email('a@b.c|'), false, 'the pipe of a badly written rule does not pass');
select is(core.is_valid_email(''), false, 'nothing is no address');
select is(core.is_valid_email(null), null, 'no address is neither');
select throws_ok($$ select core.is_valid_email(1) $$, '42883', null, 'only text is an address');
select is_empty(
    $$ select text
         from unnest(array['a@b.co', 'a@b', 'a@b.c', 'a b@c.de', E'a@b.co\n', 'a@b.c|', 'x@example.museum', 'ä@b.co', 'a@b_c.de', repeat('a', 250) || '@b.co']) as text
        where core.is_valid_email(text) <> (tests.error_of(format('select %L::core.email', text)) is null) $$,
    'function and domain agree');

select * from finish();
rollback;

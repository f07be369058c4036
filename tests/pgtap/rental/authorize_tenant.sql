-- rental.authorize_tenant: lets the landlord of the row pass and holds it, refuses everybody else in the same words.
begin;
select plan(8);

select tests.landlord('north'), tests.landlord('south');
select tests.renter('north', 'rita');
select tests.renter('south', 'sam');

select tests.act_as('app_user', 'north', 'north');
select is((select xmax from rental.tenants where id = tests.id('north/rita'))::text, '0', 'before the check nobody holds the row');
select lives_ok($$ select rental.authorize_tenant(tests.id('north/rita')) $$, 'the landlord passes');
select isnt((select xmax from rental.tenants where id = tests.id('north/rita'))::text, '0', 'after the check the row is held until the transaction ends');
select throws_ok($$ select rental.authorize_tenant(tests.id('south/sam')) $$, 'PT403', 'forbidden', 'another landlord''s row is refused');
select is(
    tests.error_of($$ select rental.authorize_tenant(tests.id('south/sam')) $$),
    tests.error_of($$ select rental.authorize_tenant(gen_random_uuid()) $$),
    'a missing row is refused in the very same words');
select throws_ok($$ select rental.authorize_tenant(null) $$, 'PT403', 'forbidden', 'no id is no row');

select tests.act_as('app_user');
select throws_ok($$ select rental.authorize_tenant(tests.id('north/rita')) $$, 'PT401', 'unauthenticated', 'nobody signed in does not pass');
select tests.act_as('app_user', 'north');
select throws_ok($$ select rental.authorize_tenant(tests.id('north/rita')) $$, 'PT403', 'forbidden', 'a landlord who names no tenant does not pass');

select * from finish();
rollback;

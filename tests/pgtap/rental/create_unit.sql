-- rental.create_unit: adds to the landlord in the context, whoever that is.
begin;
select plan(7);

select tests.landlord('north');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select owner_user_id, name, address1, address2, city, state, postal_code, external_ref
         from rental.create_unit('Loft', '1 Main Street', 'Springfield', 'OR', '97477', 'Apt 2', 'A-1') $$,
    $$ values (tests.id('north'), 'Loft', '1 Main Street', 'Apt 2', 'Springfield', 'OR', '97477', 'A-1') $$,
    'the new unit is returned as it was given, and is north''s');
select results_eq($$ select name from rental.units $$, $$ values ('Loft') $$, 'and is stored');
select throws_ok(
    $$ select rental.create_unit('Copy', 'x', 'x', 'x', 'x', p_external_ref => 'A-1') $$,
    '23505', null, 'a reference is used once');
select throws_ok($$ select rental.create_unit(null, 'x', 'x', 'x', 'x') $$, '23502', null, 'a unit has a name');

select tests.act_as('app_user');
select throws_ok($$ select rental.create_unit('x', 'x', 'x', 'x', 'x') $$, 'PT401', 'unauthenticated', 'nobody signed in adds no unit');
select tests.act_as('app_user', 'north');
select throws_ok($$ select rental.create_unit('x', 'x', 'x', 'x', 'x') $$, 'PT403', 'forbidden', 'a landlord who names no tenant adds no unit');
select tests.act_as('app_renter', 'north');
select throws_ok($$ select rental.create_unit('x', 'x', 'x', 'x', 'x') $$,
    '42501', 'permission denied for function create_unit', 'a renter adds no unit');

select * from finish();
rollback;

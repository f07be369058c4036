-- rental.my_unit_ids: where the caller lives, or has a lease that has not run out.
begin;
select plan(9);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', u) from unnest(array['home', 'current', 'next', 'notice', 'ended', 'expired', 'draft', 'other']) as u;
select tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'home'), tests.renter('south', 'rita', 'barn'), tests.renter('north', 'rob', 'other');
select tests.tenancy('north', 'current', 'rita', current_date - 30, null),
       tests.tenancy('north', 'next', 'rita', current_date + 30, null),
       tests.tenancy('north', 'notice', 'rita', current_date - 30, current_date),
       tests.tenancy('north', 'ended', 'rita', current_date - 30, null, 'ENDED'),
       tests.tenancy('north', 'expired', 'rita', current_date - 30, current_date - 1),
       tests.tenancy('north', 'draft', 'rita', current_date, null, 'DRAFT');

select tests.act_as('app_renter', 'rita');
select ok(tests.id('home') = any (rental.my_unit_ids()), 'the unit a renter lives in');
select ok(tests.id('barn') = any (rental.my_unit_ids()), 'at another landlord, too');
select ok(tests.id('current') = any (rental.my_unit_ids()), 'a unit with an open-ended tenancy');
select ok(tests.id('next') = any (rental.my_unit_ids()), 'a unit whose tenancy starts later');
select ok(tests.id('notice') = any (rental.my_unit_ids()), 'a unit on the last day of its tenancy');
select is(
    array(select u from unnest(array['ended', 'expired', 'draft', 'other']) as u where tests.id(u) = any (rental.my_unit_ids())),
    '{}'::text[],
    'not a unit whose tenancy has ended, has run out or is a draft, nor a neighbour''s');
select is(cardinality(rental.my_unit_ids()), 5, 'and no other unit');
select tests.act_as('app_renter', 'north', 'north');
select is(rental.my_unit_ids(), '{}'::uuid[], 'a landlord rents no unit of their own');
select tests.act_as('app_renter');
select is(rental.my_unit_ids(), '{}'::uuid[], 'nobody signed in has no units');

select * from finish();
rollback;

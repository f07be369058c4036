-- rental.my_unit_ids: where the caller lives, or has a lease that has not run out.
begin;
select plan(12);

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

-- Who moved in by rental.start_tenancy() and got notice is moved out by nobody when the day has passed.
select tests.act_as_admin();
select tests.unit('north', u) from unnest(array['left', 'last day', 'renewed']) as u;
select tests.renter('north', 'lea', 'left'), tests.renter('north', 'max', 'last day'), tests.renter('north', 'ben', 'renewed');
select tests.tenancy('north', 'left', 'lea', current_date - 30, current_date - 1),
       tests.tenancy('north', 'last day', 'max', current_date - 30, current_date),
       tests.tenancy('north', 'renewed', 'ben', current_date - 30, current_date - 1);
insert into rental.tenancies (owner_user_id, unit_id, tenant_id, start_date)
values (tests.id('north'), tests.id('renewed'), tests.id('north/ben'), current_date);
select tests.act_as('app_renter', 'lea');
select is(rental.my_unit_ids(), '{}'::uuid[], 'a renter whose last day has passed lives there no more');
select tests.act_as('app_renter', 'max');
select is(rental.my_unit_ids(), array[tests.id('last day')], 'one whose last day is today does');
select tests.act_as('app_renter', 'ben');
select is(rental.my_unit_ids(), array[tests.id('renewed')], 'and so does one with a new tenancy of the unit');

select tests.act_as('app_renter', 'north', 'north');
select is(rental.my_unit_ids(), '{}'::uuid[], 'a landlord rents no unit of their own');
select tests.act_as('app_renter');
select is(rental.my_unit_ids(), '{}'::uuid[], 'nobody signed in has no units');

select * from finish();
rollback;

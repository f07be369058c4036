-- rental.start_tenancy: lets a unit, and moves the renter in when the tenancy runs today.
begin;
select plan(13);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', u) from unnest(array['loft', 'attic', 'cellar', 'garage']) as u;
select tests.unit('south', 'barn');
select tests.renter('north', 'rita'), tests.renter('north', 'rob'), tests.renter('south', 'sam');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select owner_user_id, unit_id, tenant_id, start_date, end_date, rent_amount, status
         from rental.start_tenancy(tests.id('loft'), tests.id('north/rita'), current_date - 1, null, 1200) $$,
    $$ select tests.id('north'), tests.id('loft'), tests.id('north/rita'), current_date - 1, null::date, 1200.00, 'ACTIVE' $$,
    'an own unit is let to an own renter');
select results_eq($$ select unit_id from rental.tenants where id = tests.id('north/rita') $$, $$ select tests.id('loft') $$,
    'who lives there now');
select lives_ok($$ select rental.start_tenancy(tests.id('attic'), tests.id('north/rita'), current_date + 1) $$,
    'a tenancy may start later');
select results_eq($$ select unit_id from rental.tenants where id = tests.id('north/rita') $$, $$ select tests.id('loft') $$,
    'and nobody moves before');
select lives_ok($$ select rental.start_tenancy(tests.id('cellar'), tests.id('north/rita'), current_date - 9, current_date - 1) $$,
    'a tenancy may be written down afterwards');
select results_eq($$ select unit_id from rental.tenants where id = tests.id('north/rita') $$, $$ select tests.id('loft') $$,
    'and nobody moves any more');
select throws_ok($$ select rental.start_tenancy(tests.id('loft'), tests.id('north/rob'), current_date) $$,
    'PT409', 'conflict', 'a unit is let once at a time');
select throws_ok($$ select rental.start_tenancy(tests.id('garage'), tests.id('north/rob'), current_date, current_date - 1) $$,
    '23514', null, 'a tenancy does not end before it starts');
select throws_ok($$ select rental.start_tenancy(tests.id('garage'), tests.id('north/rob'), current_date, null, -1) $$,
    '23514', null, 'rent is not negative');
select throws_ok($$ select rental.start_tenancy(tests.id('barn'), tests.id('north/rob'), current_date) $$,
    'PT403', 'forbidden', 'south''s unit is refused');
select throws_ok($$ select rental.start_tenancy(tests.id('garage'), tests.id('south/sam'), current_date) $$,
    'PT403', 'forbidden', 'south''s renter is refused');
select tests.act_as('app_user');
select throws_ok($$ select rental.start_tenancy(tests.id('garage'), tests.id('north/rob'), current_date) $$,
    'PT401', 'unauthenticated', 'nobody signed in lets nothing');
select tests.act_as_admin();
select is_empty($$ select id from rental.tenancies where owner_user_id = tests.id('south') $$, 'south has no tenancy');

select * from finish();
rollback;

-- rental.end_tenancy: the last day of a tenancy, today or ahead.
begin;
select plan(15);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('north', 'attic'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft'), tests.renter('north', 'rob', 'attic'), tests.renter('south', 'sam', 'barn');
select tests.tenancy('north', 'loft', 'rita', current_date - 30), tests.tenancy('north', 'attic', 'rob', current_date - 30),
       tests.tenancy('south', 'barn', 'sam', current_date - 30);

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select end_date, status from rental.end_tenancy(tests.id('loft let to rita'), current_date + 30) $$,
    $$ select current_date + 30, 'ACTIVE' $$,
    'a last day ahead is a notice: the tenancy goes on');
select results_eq($$ select unit_id from rental.tenants where id = tests.id('north/rita') $$, $$ select tests.id('loft') $$,
    'and the renter stays');
select results_eq(
    $$ select end_date, status from rental.end_tenancy(tests.id('loft let to rita')) $$,
    $$ select current_date, 'ENDED' $$,
    'today is the last day unless told, and the tenancy is over');
select results_eq($$ select unit_id from rental.tenants where id = tests.id('north/rita') $$, $$ values (null::uuid) $$,
    'and the renter moves out');
select throws_ok($$ select rental.end_tenancy(tests.id('loft let to rita')) $$, 'PT409', 'conflict', 'a tenancy ends once');
select is(
    (tests.error_of($$ select rental.end_tenancy(tests.id('loft let to rita')) $$) ->> 'hint')::jsonb,
    '{"status": "ENDED"}'::jsonb,
    'and says so');
select lives_ok($$ select rental.start_tenancy(tests.id('loft'), tests.id('north/rob'), current_date + 1) $$,
    'the unit can be let from tomorrow on');
select throws_ok($$ select rental.end_tenancy(tests.id('attic let to rob'), current_date - 31) $$, '23514', null,
    'a tenancy does not end before it started');
select throws_ok($$ select rental.end_tenancy(tests.id('attic let to rob'), null) $$, 'PT422', 'invalid', 'a tenancy ends on a day');
select lives_ok($$ select rental.end_tenancy(tests.id('attic let to rob'), current_date - 30) $$, 'it may have been one day');
select throws_ok($$ select rental.end_tenancy(tests.id('barn let to sam')) $$, 'PT403', 'forbidden', 'south''s tenancy is refused');
select is(
    tests.error_of($$ select rental.end_tenancy(tests.id('barn let to sam')) $$),
    tests.error_of($$ select rental.end_tenancy(gen_random_uuid()) $$),
    'in the same words as a missing one');
select results_eq($$ select unit_id from rental.tenants where id = tests.id('north/rob') $$, $$ values (null::uuid) $$,
    'a renter whose next tenancy has not begun lives nowhere');
select tests.act_as('app_user');
select throws_ok($$ select rental.end_tenancy(tests.id('barn let to sam')) $$, 'PT401', 'unauthenticated', 'nobody signed in ends nothing');
select tests.act_as_admin();
select results_eq(
    $$ select l.status, t.unit_id from rental.tenancies as l join rental.tenants as t on t.id = l.tenant_id where l.id = tests.id('barn let to sam') $$,
    $$ select 'ACTIVE', tests.id('barn') $$,
    'south''s tenancy is as it was');

select * from finish();
rollback;

-- rental.create_ticket: as the landlord of the unit, or as its renter.
begin;
select plan(16);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('north', 'attic'), tests.unit('north', 'cellar'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft'), tests.renter('north', 'rob', 'attic');
select tests.tenancy('north', 'cellar', 'rita', current_date);

-- first of all: what a role may call is asked once a transaction, so a landlord before them would have asked for it
insert into core.memberships (tenant_id, user_id, role_key) values (tests.id('south'), tests.id('rita'), 'ADMIN');
savepoint tenanted;
select tests.act_as('app_renter', 'rita', 'south');
select results_eq($$ select owner_user_id, tenant_id, title from rental.create_ticket(tests.id('loft'), 'Draft') $$,
    $$ values (tests.id('north'), tests.id('north/rita'), 'Draft') $$, 'a renter who is a member somewhere opens a ticket as anybody');
select throws_ok($$ select rental.create_ticket(tests.id('barn'), 'x') $$, 'PT403', 'forbidden', 'not for a unit of where they are a member');
rollback to tenanted;
select tests.act_as_admin();
delete from core.memberships where (tenant_id, user_id) = (tests.id('south'), tests.id('rita'));

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select owner_user_id, unit_id, tenant_id, title, description, status, priority, version
         from rental.create_ticket(tests.id('loft'), 'Tap', 'It drips', 'HIGH') $$,
    $$ values (tests.id('north'), tests.id('loft'), null::uuid, 'Tap', 'It drips', 'OPEN', 'HIGH', 0) $$,
    'a landlord opens a ticket for an own unit');
select results_eq(
    $$ select description, priority from rental.create_ticket(tests.id('loft'), 'Lamp') $$,
    $$ values (null::text, 'NORMAL') $$,
    'a title is enough');
select throws_ok($$ select rental.create_ticket(tests.id('barn'), 'x') $$, 'PT403', 'forbidden', 'south''s unit is refused');
select is(
    tests.error_of($$ select rental.create_ticket(tests.id('barn'), 'x') $$),
    tests.error_of($$ select rental.create_ticket(gen_random_uuid(), 'x') $$),
    'in the same words as a missing one');
select throws_ok($$ select rental.create_ticket(tests.id('loft'), null) $$, '23502', null, 'a ticket has a title');
select throws_ok($$ select rental.create_ticket(tests.id('loft'), 'x', null, 'URGENT') $$, '23514', null, 'an unknown priority is refused');

select tests.act_as('app_renter', 'rita');
select results_eq(
    $$ select owner_user_id, unit_id, tenant_id, title from rental.create_ticket(tests.id('loft'), 'Cold', 'No heat', 'EMERGENCY') $$,
    $$ values (tests.id('north'), tests.id('loft'), tests.id('north/rita'), 'Cold') $$,
    'a renter opens a ticket for the unit they live in, in own name');
select results_eq(
    $$ select unit_id, tenant_id from rental.create_ticket(tests.id('cellar'), 'Damp') $$,
    $$ values (tests.id('cellar'), tests.id('north/rita')) $$,
    'and for a unit they rent');
select throws_ok($$ select rental.create_ticket(tests.id('attic'), 'x') $$, 'PT403', 'forbidden', 'a neighbour''s unit is refused');
select is(
    tests.error_of($$ select rental.create_ticket(tests.id('attic'), 'x') $$),
    tests.error_of($$ select rental.create_ticket(gen_random_uuid(), 'x') $$),
    'in the same words as a missing one');
select tests.act_as('app_renter');
select throws_ok($$ select rental.create_ticket(tests.id('loft'), 'x') $$, 'PT401', 'unauthenticated', 'nobody signed in opens no ticket');
select tests.act_as('app_user', 'rita');
select throws_ok($$ select rental.create_ticket(tests.id('loft'), 'x') $$, 'PT403', 'forbidden', 'a renter who acts as a landlord opens no ticket');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select title from rental.tickets order by 1 $$,
    $$ values ('Cold'), ('Damp'), ('Lamp'), ('Tap') $$,
    'the landlord sees all four');
select tests.act_as('app_user', 'south', 'south');
select is_empty($$ select title from rental.tickets $$, 'the other landlord sees none');

select * from finish();
rollback;

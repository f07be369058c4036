-- rental.units: two landlords with ten units each. Whatever one does, the other's rows stay unseen and unchanged.
begin;
select plan(26);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'north ' || n), tests.unit('south', 'south ' || n) from generate_series(1, 10) as n;

-- Read.
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select name from rental.units order by name $$,
    $$ select 'north ' || n from generate_series(1, 10) as n order by 1 $$,
    'north sees the ten units of north and no others');
select is_empty(
    $$ select id from rental.units where owner_user_id = tests.id('south') $$,
    'north sees no unit of south even by asking for them');
select results_eq(
    $$ select name from rental.units where id = tests.id('north 1') $$,
    $$ values ('north 1') $$,
    'north finds an own unit by id');
select is_empty(
    $$ select name from rental.units where id = tests.id('south 1') $$,
    'north does not find a unit of south by id');

-- Insert.
select lives_ok(
    $$ insert into rental.units (owner_user_id, name, address1, city, state, postal_code)
       values (tests.id('north'), 'north 11', 'a', 'b', 'c', 'd') $$,
    'north adds a unit to north');
select throws_ok(
    $$ insert into rental.units (owner_user_id, name, address1, city, state, postal_code)
       values (tests.id('south'), 'planted', 'a', 'b', 'c', 'd') $$,
    '42501', 'new row violates row-level security policy for table "units"',
    'north cannot add a unit to south');
select throws_ok(
    $$ insert into rental.units (owner_user_id, id, name, address1, city, state, postal_code)
       values (tests.id('north'), tests.id('south 1'), 'twin', 'a', 'b', 'c', 'd') $$,
    '42501', 'permission denied for table units',
    'north cannot choose the id of a unit, so no two landlords have the same one');

-- Update.
select results_eq(
    $$ with changed as (update rental.units set city = 'Northville' returning name) select count(*) from changed $$,
    $$ values (11::bigint) $$,
    'an update without a filter changes the units of north only');
select is_empty(
    $$ update rental.units set city = 'Northville' where id = tests.id('south 1') returning id $$,
    'north changes no unit of south');
select throws_ok(
    $$ update rental.units set owner_user_id = tests.id('south') where id = tests.id('north 1') $$,
    '42501', 'permission denied for table units',
    'north cannot give a unit away');
select results_eq(
    $$ with merged as (
           insert into rental.units (owner_user_id, name, address1, city, state, postal_code, external_ref)
           values (tests.id('north'), 'north 12', 'a', 'b', 'c', 'd', 'ref')
           on conflict (owner_user_id, external_ref) where external_ref is not null do update set name = excluded.name
           returning name)
       select name from merged $$,
    $$ values ('north 12') $$,
    'north upserts an own unit');
select throws_ok(
    $$ insert into rental.units (owner_user_id, name, address1, city, state, postal_code, external_ref)
       values (tests.id('south'), 'planted', 'a', 'b', 'c', 'd', 'ref')
       on conflict (owner_user_id, external_ref) where external_ref is not null do update set name = excluded.name $$,
    '42501', 'new row violates row-level security policy for table "units"',
    'north upserts no unit of south');

-- Delete.
select results_eq(
    $$ delete from rental.units where id = tests.id('north 10') returning name $$,
    $$ values ('north 10') $$,
    'north deletes an own unit');
select is_empty(
    $$ delete from rental.units where id = tests.id('south 10') returning id $$,
    'north deletes no unit of south');

-- The functions say so, in one voice for what is missing and what is foreign.
select lives_ok(
    $$ select rental.update_unit(tests.id('north 1'), '{"city": "Hilltop"}') $$,
    'update_unit changes an own unit');
select throws_ok(
    $$ select rental.update_unit(tests.id('south 1'), '{"city": "Hilltop"}') $$,
    'PT403', 'forbidden', 'update_unit refuses a unit of south');
select lives_ok(
    $$ select rental.delete_unit(tests.id('north 9')) $$,
    'delete_unit deletes an own unit');
select throws_ok(
    $$ select rental.delete_unit(tests.id('south 9')) $$,
    'PT403', 'forbidden', 'delete_unit refuses a unit of south');
select is(
    tests.error_of($$ select rental.delete_unit(tests.id('south 9')) $$),
    tests.error_of($$ select rental.delete_unit(tests.id('no such unit')) $$),
    'a foreign unit and a missing one give the same error to the last byte');

-- Nobody in particular.
select tests.act_as('app_user');
select is_empty($$ select id from rental.units $$, 'without a context there are no units');
select set_config('app.user_id', tests.id('south')::text, true), set_config('app.tenant_id', tests.id('south')::text, true);
select is_empty($$ select id from rental.units $$, 'a context written by hand has no units');
select tests.act_as('app_user', 'north');
select is_empty($$ select id from rental.units $$, 'a landlord who names no tenant has no units');
select tests.act_as_admin();
select throws_ok(
    $$ select core.set_context(tests.id('north'), tests.id('south')) $$,
    'PT403', 'forbidden', 'north cannot enter the tenant of south');

-- What really happened.
select results_eq(
    $$ select name, city from rental.units where owner_user_id = tests.id('south') order by name $$,
    $$ select 'south ' || n, 'Springfield' from generate_series(1, 10) as n order by 1 $$,
    'all ten units of south are as they were');
select results_eq(
    $$ select count(*) from rental.units where owner_user_id = tests.id('north') $$,
    $$ values (10::bigint) $$,
    'north has ten units again: two more, two fewer');
select tests.act_as('app_user', 'south', 'south');
select results_eq(
    $$ select count(*) from rental.units $$,
    $$ values (10::bigint) $$,
    'south sees its own ten');

select * from finish();
rollback;

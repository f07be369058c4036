-- rental.units: shape, keys and what happens when a unit goes. Isolation of its rows is in isolation.sql.
begin;
select plan(10);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft');
select tests.ticket('north', 'tap', 'loft', 'rita');

select col_is_pk('rental', 'units', array['owner_user_id', 'id'], 'the landlord leads the key of a unit');
select fk_ok('rental', 'units', array['owner_user_id'], 'core', 'users', array['id'], 'the landlord of a unit is a user');
select throws_ok(
    $$ delete from core.users where id = tests.id('south') $$,
    tests.restrict_violation(), null, 'a landlord with units cannot be deleted');

-- One reference per landlord, and the same one at another.
update rental.units set external_ref = 'A-1' where id = tests.id('loft');
select throws_ok(
    $$ insert into rental.units (owner_user_id, name, address1, city, state, postal_code, external_ref)
       values (tests.id('north'), 'copy', 'a', 'b', 'c', 'd', 'A-1') $$,
    '23505', 'duplicate key value violates unique constraint "units_owner_external_ref_key"',
    'a landlord uses a reference once');
select lives_ok(
    $$ update rental.units set external_ref = 'A-1' where id = tests.id('barn') $$,
    'another landlord may use the same reference');

select throws_ok(
    $$ update rental.units set owner_user_id = tests.id('south') where id = tests.id('loft') $$,
    'PT422', 'invalid', 'a unit does not change its landlord, not even by the owner''s hand');
update rental.units set updated_at = '2000-01-01' where id = tests.id('barn');
select results_eq(
    $$ select updated_at from rental.units where id = tests.id('barn') $$,
    $$ select now() $$,
    'updated_at is the time of the update, whatever the statement says');

-- Renters and tickets outlive the unit.
delete from rental.units where id = tests.id('loft');
select results_eq(
    $$ select owner_user_id, unit_id from rental.tenants where id = tests.id('north/rita') $$,
    $$ select tests.id('north'), null::uuid $$,
    'deleting a unit leaves its renter with the landlord and without a unit');
select results_eq(
    $$ select owner_user_id, unit_id from rental.tickets where id = tests.id('tap') $$,
    $$ select tests.id('north'), null::uuid $$,
    'deleting a unit leaves its tickets with the landlord and without a unit');

select tests.unit('north', 'loft');
select tests.tenancy('north', 'loft', 'rita', '2024-01-01');
select throws_ok(
    $$ delete from rental.units where id = tests.id('loft') $$,
    tests.restrict_violation(), null, 'a unit with a tenancy cannot be deleted');

select * from finish();
rollback;

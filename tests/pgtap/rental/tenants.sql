-- rental.tenants: a renter belongs to one landlord, and a person may be a renter of several.
begin;
select plan(25);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft'), tests.renter('north', 'rob'), tests.renter('south', 'sam', 'barn');

-- Shape.
select col_not_null('rental', 'tenants', 'owner_user_id', 'a renter has a landlord');
select col_is_pk('rental', 'tenants', array['owner_user_id', 'id'], 'the landlord leads the key of a renter');
select has_index('rental', 'tenants', 'tenants_email_idx', array['email'], 'renters are found by e-mail');
select has_index('rental', 'tenants', 'tenants_user_id_idx', array['user_id'], 'renters are found by login');
select has_index('rental', 'tenants', 'tenants_unit_id_idx', array['unit_id'], 'renters are found by unit');
select has_index('rental', 'tenants', 'tenants_owner_user_id_idx', array['owner_user_id'], 'renters are found by landlord');

-- One address per landlord, and the same one at another.
select throws_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email)
       values (tests.id('north'), 'Rita', 'Again', 'rita@example.test') $$,
    '23505', 'duplicate key value violates unique constraint "tenants_owner_email_key"',
    'a landlord knows an address once');
select lives_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email)
       values (tests.id('south'), 'Rita', 'Also', 'rita@example.test') $$,
    'another landlord may know the same address');

-- Values.
select throws_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email) values (tests.id('north'), '', 'x', 'x@example.test') $$,
    '23514', null, 'an empty first name is refused');
select throws_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email) values (tests.id('north'), 'x', '', 'x@example.test') $$,
    '23514', null, 'an empty last name is refused');
select throws_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email) values (tests.id('north'), 'x', 'x', 'X@example.test') $$,
    '23514', null, 'an address in upper case is refused');
select throws_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email, phone)
       values (tests.id('north'), 'x', 'x', 'x@example.test', '0123') $$,
    '23514', null, 'a phone number that is not E.164 is refused');

-- References stay with the landlord.
select throws_ok(
    $$ update rental.tenants set unit_id = tests.id('barn') where id = tests.id('north/rita') $$,
    '23503', null, 'a renter of north cannot live in a unit of south, not even by the owner''s hand');
select throws_ok(
    $$ update rental.tenants set owner_user_id = tests.id('south') where id = tests.id('north/rob') $$,
    'PT422', 'invalid', 'a renter does not change the landlord');
delete from rental.units where id = tests.id('barn');
select results_eq(
    $$ select owner_user_id, unit_id from rental.tenants where id = tests.id('south/sam') $$,
    $$ select tests.id('south'), null::uuid $$,
    'a renter outlives the unit');
select throws_ok(
    $$ delete from core.users where id = tests.id('south') $$,
    tests.restrict_violation(), null, 'a landlord with renters cannot be deleted');
delete from core.users where id = tests.id('rita');
select results_eq(
    $$ select user_id from rental.tenants where id = tests.id('north/rita') $$,
    $$ select null::uuid $$,
    'a renter outlives the login');

-- Rows.
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select first_name from rental.tenants order by 1 $$,
    $$ values ('rita'), ('rob') $$,
    'north sees the renters of north and no others');
select lives_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email)
       values (tests.id('north'), 'Ron', 'New', 'ron@example.test') $$,
    'north adds a renter');
select throws_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email)
       values (tests.id('south'), 'Ron', 'New', 'ron@example.test') $$,
    '42501', 'new row violates row-level security policy for table "tenants"',
    'north adds no renter to south');
select throws_ok(
    $$ update rental.tenants set user_id = tests.id('north') where id = tests.id('north/rob') $$,
    '42501', 'permission denied for table tenants',
    'a landlord cannot tie a renter to a login');
select results_eq(
    $$ update rental.tenants set first_name = 'Bob' where id = tests.id('north/rob') returning first_name $$,
    $$ values ('Bob') $$,
    'north renames an own renter');
select is_empty(
    $$ update rental.tenants set first_name = 'Bob' where id = tests.id('south/sam') returning id $$,
    'north renames no renter of south');
select results_eq(
    $$ delete from rental.tenants where id = tests.id('north/rob') returning first_name $$,
    $$ values ('Bob') $$,
    'north deletes an own renter');
select is_empty(
    $$ delete from rental.tenants where id = tests.id('south/sam') returning id $$,
    'north deletes no renter of south');

select * from finish();
rollback;

-- rental.update_tenant: names, address, phone and unit of an own renter.
begin;
select plan(14);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
select tests.renter('north', 'rita'), tests.renter('north', 'rob'), tests.renter('south', 'sam');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select first_name, last_name, email::text, phone::text, unit_id, user_id
         from rental.update_tenant(tests.id('north/rita'),
                                   jsonb_build_object('last_name', 'Ray', 'email', 'Rita.Ray@Example.test',
                                                      'phone', '+1 (202) 555-0123', 'unit_id', tests.id('loft'))) $$,
    $$ values ('rita', 'Ray', 'rita.ray@example.test', '+12025550123', tests.id('loft'), tests.id('rita')) $$,
    'named columns change, e-mail and phone take their normal form, the rest stays');
select results_eq(
    $$ select phone::text, unit_id, last_name from rental.update_tenant(tests.id('north/rita'), '{"phone": null, "unit_id": null}') $$,
    $$ values (null::text, null::uuid, 'Ray') $$,
    'a null empties what may be empty');
select throws_ok($$ select rental.update_tenant(tests.id('north/rita'), '{"first_name": "", "email": "x", "phone": "0"}') $$,
    'PT422', 'invalid', 'bad values are refused together');
select is(
    (tests.error_of($$ select rental.update_tenant(tests.id('north/rita'), '{"first_name": "", "email": "x", "phone": "0"}') $$) ->> 'hint')::jsonb,
    '{"first_name": "must not be empty", "email": "is not an e-mail address", "phone": "is not a phone number"}'::jsonb,
    'and the hint says what is wrong with each');
select throws_ok($$ select rental.update_tenant(tests.id('north/rita'), '{"email": null}') $$, 'PT422', 'invalid', 'an address is required');
select throws_ok(
    $$ select rental.update_tenant(tests.id('north/rita'), jsonb_build_object('user_id', tests.id('north'))) $$,
    'PT422', 'invalid', 'a login is not a landlord''s to give');
select throws_ok($$ select rental.update_tenant(tests.id('north/rita'), '[]') $$, 'PT400', 'bad_request', 'a patch is an object');
select throws_ok($$ select rental.update_tenant(tests.id('north/rita'), '{"email": "ROB@example.test"}') $$,
    '23505', null, 'an address is one renter''s');
select throws_ok(
    $$ select rental.update_tenant(tests.id('north/rita'), jsonb_build_object('unit_id', tests.id('barn'))) $$,
    'PT403', 'forbidden', 'a renter does not move into a unit of south');
select throws_ok($$ select rental.update_tenant(tests.id('south/sam'), '{"first_name": "x"}') $$,
    'PT403', 'forbidden', 'south''s renter is refused');
select throws_ok($$ select rental.update_tenant(gen_random_uuid(), '{"first_name": "x"}') $$,
    'PT403', 'forbidden', 'and so is nobody''s');
select lives_ok($$ select rental.update_tenant(tests.id('north/rob'), '{}') $$, 'an empty patch changes nothing');

select tests.act_as('app_user');
select throws_ok($$ select rental.update_tenant(tests.id('north/rita'), '{}') $$, 'PT401', 'unauthenticated', 'nobody signed in changes no renter');
select tests.act_as_admin();
select results_eq($$ select first_name from rental.tenants where id = tests.id('south/sam') $$, $$ values ('sam') $$,
    'south''s renter is as it was');

select * from finish();
rollback;

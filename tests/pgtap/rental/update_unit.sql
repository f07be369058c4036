-- rental.update_unit: what the patch names and nothing else.
begin;
select plan(10);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
update rental.units set address2 = 'Apt 1';

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select name, city, address2, address1 from rental.update_unit(tests.id('loft'), '{"city": "Hilltop", "address2": null}') $$,
    $$ values ('loft', 'Hilltop', null::text, '1 Main Street') $$,
    'named columns change, a null empties, the rest stays');
select results_eq(
    $$ select city from rental.update_unit(tests.id('loft'), '{}') $$, $$ values ('Hilltop') $$, 'an empty patch changes nothing');
select throws_ok(
    $$ select rental.update_unit(tests.id('loft'), '{"name": null}') $$, '23502', null, 'a required column is not emptied');
select throws_ok(
    $$ select rental.update_unit(tests.id('loft'), '{"owner_user_id": "x", "colour": "red", "city": "Hilltop"}') $$,
    'PT422', 'invalid', 'a patch does not name other columns');
select is(
    (tests.error_of($$ select rental.update_unit(tests.id('loft'), '{"owner_user_id": "x", "colour": "red", "city": "Hilltop"}') $$)
        ->> 'hint')::jsonb,
    '{"owner_user_id": "cannot be changed", "colour": "cannot be changed"}'::jsonb,
    'and the hint says which');
select throws_ok($$ select rental.update_unit(tests.id('loft'), '["city"]') $$, 'PT400', 'bad_request', 'a patch is an object');
select throws_ok($$ select rental.update_unit(tests.id('loft'), null) $$, 'PT400', 'bad_request', 'and not null');
select throws_ok($$ select rental.update_unit(tests.id('barn'), '{"city": "x"}') $$, 'PT403', 'forbidden', 'south''s unit is refused');
select throws_ok($$ select rental.update_unit(tests.id('barn'), '["city"]') $$, 'PT403', 'forbidden',
    'before anything else is looked at');

select tests.act_as_admin();
select results_eq($$ select city from rental.units where id = tests.id('barn') $$, $$ values ('Springfield') $$, 'and is as it was');

select * from finish();
rollback;

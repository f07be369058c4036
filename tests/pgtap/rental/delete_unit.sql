-- rental.delete_unit: refused while a tenancy references the unit.
begin;
select plan(7);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('north', 'attic'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft'), tests.tenancy('north', 'attic', 'rita', '2020-01-01', '2020-12-31', 'ENDED');

select tests.act_as('app_user', 'north', 'north');
select throws_ok($$ select rental.delete_unit(tests.id('attic')) $$, 'PT409', 'conflict', 'a unit with a tenancy stays, even an ended one');
select lives_ok($$ select rental.delete_unit(tests.id('loft')) $$, 'a unit without tenancies goes');
select throws_ok($$ select rental.delete_unit(tests.id('loft')) $$, 'PT403', 'forbidden', 'once');
select throws_ok($$ select rental.delete_unit(tests.id('barn')) $$, 'PT403', 'forbidden', 'south''s unit is refused');
select results_eq($$ select name from rental.units $$, $$ values ('attic') $$, 'one unit is left');
select results_eq($$ select unit_id from rental.tenants $$, $$ values (null::uuid) $$, 'its renter lives nowhere now');

select tests.act_as_admin();
select results_eq($$ select name from rental.units where id = tests.id('barn') $$, $$ values ('barn') $$, 'south''s unit is as it was');

select * from finish();
rollback;

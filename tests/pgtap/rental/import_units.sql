-- rental.import_units: units from a file, each by itself.
begin;
select plan(9);

select tests.landlord('north'), tests.landlord('south');
create temp table outcome (result jsonb);
grant all on outcome to app_user;
create temp table rows_ (rows_ jsonb);
insert into rows_ values ('[
    {"name": "Loft", "address1": "1 Main", "city": "Salem", "state": "OR", "postalCode": "97301", "externalRef": "A-1"},
    {"name": "Attic", "address1": " 2 Main ", "address2": "", "city": "Salem", "state": "OR", "postalCode": 97301},
    {"name": "Twin", "address1": "3 Main", "city": "Salem", "state": "OR", "postalCode": "97301", "externalRef": "A-1"},
    {"name": "Nowhere", "city": "Salem", "state": "OR", "postalCode": "97301"},
    {"name": "Other", "address1": "4 Main", "city": "Salem", "state": "OR", "postalCode": "97301", "owner_user_id": "x"},
    []
]');
grant select on rows_ to app_user;

select tests.act_as('app_user', 'north', 'north');
select throws_ok($$ select rental.import_units('[]') $$, 'PT400', 'bad_request', 'no rows are refused');
select lives_ok($$ insert into outcome select rental.import_units(rows_) from rows_ $$, 'bad rows cost no good one');
select is((select result - 'results' from outcome), '{"total": 6, "successful": 2, "failed": 4}', 'they are counted');
select results_eq(
    $$ select u.name, u.address1, u.address2, u.postal_code, u.external_ref
         from outcome, jsonb_array_elements(result #> '{results,success}') as r
         join rental.units as u on u.id = (r ->> 'unitId')::uuid order by u.name $$,
    $$ values ('Attic', '2 Main', null::text, '97301', null::text), ('Loft', '1 Main', null, '97301', 'A-1') $$,
    'good rows are units');
select results_eq(
    $$ select r ->> 'row', r ->> 'name', r ->> 'error' from outcome, jsonb_array_elements(result #> '{results,failed}') as r $$,
    $$ values
        ('3', 'Twin', 'This already exists.'),
        ('4', 'Nowhere', 'address1 is missing.'),
        ('5', 'Other', 'There is no field owner_user_id; known are name, address1, address2, city, state, postalCode, externalRef.'),
        ('6', null, 'The row is no object.') $$,
    'bad rows say why');
select results_eq($$ select kind, total, failed from rental.import_batches $$, $$ values ('units', 6, 4) $$, 'the call is on record');
select tests.act_as('app_user', 'south', 'south');
select is((select rental.import_units(rows_) ->> 'successful' from rows_), '2', 'south imports the same references');
select results_eq($$ select distinct owner_user_id from rental.units $$, $$ select tests.id('south') $$, 'as south''s own');
select tests.act_as('app_user');
select throws_ok($$ select rental.import_units(rows_) from rows_ $$, 'PT401', 'unauthenticated', 'nobody signed in imports nothing');

select * from finish();
rollback;

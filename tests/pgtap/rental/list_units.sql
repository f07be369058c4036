-- rental.list_units: pages, order, keys, and whose units.
begin;
select plan(15);

select tests.landlord('north'), tests.landlord('south'), tests.landlord('east');
select tests.unit('north', 'unit ' || lpad(n::text, 3, '0')) from generate_series(1, 120) as n;
select tests.unit('south', 'barn');
-- Two units of one name: the id decides, so pages do not overlap.
select tests.unit('north', 'twin a'), tests.unit('north', 'twin b');
update rental.units set name = 'unit 000' where id in (tests.id('twin a'), tests.id('twin b'));

select tests.act_as('app_user', 'north', 'north');
select is(
    (rental.list_units() -> 'pagination'),
    '{"page": 1, "limit": 50, "total": 122, "totalPages": 3, "hasNext": true, "hasPrev": false}'::jsonb,
    'the first page of 50 is the default');
select is(jsonb_array_length(rental.list_units() -> 'units'), 50, 'a page of 50 has 50 units');
select is(
    (select array_agg(k.key order by k.key) from jsonb_object_keys(rental.list_units() -> 'units' -> 0) as k (key)),
    array['address1', 'city', 'id', 'name', 'postal_code', 'state'],
    'a unit has these keys and no others');
select is(
    rental.list_units(3, 50) -> 'pagination',
    '{"page": 3, "limit": 50, "total": 122, "totalPages": 3, "hasNext": false, "hasPrev": true}'::jsonb,
    'the last page says so');
select is(rental.list_units(4, 50) -> 'units', '[]'::jsonb, 'a page after the last is empty');
select results_eq(
    $$ select u ->> 'name' collate "C" from jsonb_array_elements(rental.list_units(2, 500) -> 'units') as u $$,
    $$ select ('unit ' || lpad(n::text, 3, '0')) collate "C" from generate_series(99, 120) as n $$,
    'a limit of 500 is 100, and page 2 of it starts at row 101');
select is(
    array(select (u ->> 'id')::uuid from jsonb_array_elements(rental.list_units(1, 2) -> 'units') as u),
    (select array_agg(id order by id) from unnest(array[tests.id('twin a'), tests.id('twin b')]) as id),
    'units of one name are in the order of their ids');
select is(jsonb_array_length(rental.list_units(1, 0) -> 'units'), 1, 'a limit of 0 is 1');
select is(jsonb_array_length(rental.list_units(1, -5) -> 'units'), 1, 'a negative limit is 1');
select is(jsonb_array_length(rental.list_units(null, null) -> 'units'), 50, 'nulls are the defaults');
select throws_ok($$ select rental.list_units(0) $$, 'PT400', 'bad_request', 'there is no page 0');

select tests.act_as('app_user', 'south', 'south');
select is(rental.list_units() -> 'units' -> 0 ->> 'name', 'barn', 'south lists the one unit of south');
select tests.act_as('app_user', 'east', 'east');
select is(rental.list_units() -> 'units', '[]'::jsonb, 'a landlord without units gets an empty list');

select tests.act_as('app_user');
select throws_ok($$ select rental.list_units() $$, 'PT401', 'unauthenticated', 'nobody signed in gets an error, not a list');
select tests.act_as('app_user', 'north');
select throws_ok($$ select rental.list_units() $$, 'PT403', 'forbidden', 'a landlord who names no tenant gets an error, not a list');

select * from finish();
rollback;

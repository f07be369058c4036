-- rental.list_tenants: the landlord's renters, all or of one unit.
begin;
select plan(9);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('north', 'attic'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft'), tests.renter('north', 'rob', 'loft'), tests.renter('north', 'ron', 'attic'),
       tests.renter('south', 'sam', 'barn');
update rental.tenants set last_name = 'Adams' where id = tests.id('north/ron');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select t ->> 'first_name' collate "C" from jsonb_array_elements(rental.list_tenants() -> 'tenants') as t $$,
    $$ values ('ron' collate "C"), ('rita'), ('rob') $$,
    'renters are in the order of their names');
select is(
    (select array_agg(k.key order by k.key) from jsonb_object_keys(rental.list_tenants() -> 'tenants' -> 0) as k (key)),
    array['email', 'first_name', 'id', 'last_name', 'phone', 'unit_id'],
    'a renter has these keys and no others');
select is(
    rental.list_tenants(1, 2, tests.id('loft')) -> 'pagination',
    '{"page": 1, "limit": 2, "total": 2, "totalPages": 1, "hasNext": false, "hasPrev": false}'::jsonb,
    'the pagination counts the renters of the unit asked for');
select results_eq(
    $$ select t ->> 'first_name' collate "C" from jsonb_array_elements(rental.list_tenants(1, 50, tests.id('attic')) -> 'tenants') as t $$,
    $$ values ('ron' collate "C") $$,
    'the list is of the unit asked for');
select is(rental.list_tenants(2, 2) -> 'tenants' -> 0 ->> 'first_name', 'rob', 'the second page goes on where the first ended');
select is(rental.list_tenants(1, 50, tests.id('barn')) -> 'tenants', '[]'::jsonb, 'a unit of south has no renters for north');
select throws_ok($$ select rental.list_tenants(-1) $$, 'PT400', 'bad_request', 'there is no page before the first');

select tests.act_as('app_user', 'south', 'south');
select is(rental.list_tenants(1, 50, tests.id('barn')) -> 'tenants' -> 0 ->> 'first_name', 'sam', 'south sees who lives there');
select tests.act_as('app_user');
select throws_ok($$ select rental.list_tenants() $$, 'PT401', 'unauthenticated', 'nobody signed in gets an error, not a list');

select * from finish();
rollback;

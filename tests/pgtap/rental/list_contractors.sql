-- rental.list_contractors: the landlord's address book by name.
begin;
select plan(6);

select tests.landlord('north'), tests.landlord('south');
insert into rental.contractors (owner_user_id, name, trade)
values (tests.id('north'), 'Zed', 'plumber'), (tests.id('north'), 'Abe', 'painter'), (tests.id('south'), 'Bob', 'roofer');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select c ->> 'name' collate "C" from jsonb_array_elements(rental.list_contractors() -> 'contractors') as c $$,
    $$ values ('Abe' collate "C"), ('Zed') $$,
    'north lists the contractors of north by name');
select is(
    (select array_agg(k.key order by k.key) from jsonb_object_keys(rental.list_contractors() -> 'contractors' -> 0) as k (key)),
    array['email', 'id', 'is_active', 'name', 'phone', 'trade'],
    'a contractor has these keys and no others');
select is(
    rental.list_contractors(2, 1),
    jsonb_build_object(
        'contractors', jsonb_build_array(rental.list_contractors() -> 'contractors' -> 1),
        'pagination', '{"page": 2, "limit": 1, "total": 2, "totalPages": 2, "hasNext": false, "hasPrev": true}'::jsonb),
    'the second page of one has the second contractor');
select throws_ok($$ select rental.list_contractors(0) $$, 'PT400', 'bad_request', 'there is no page 0');

select tests.act_as('app_user', 'south', 'south');
select is(rental.list_contractors() -> 'contractors' -> 0 ->> 'name', 'Bob', 'south lists the contractor of south');
select tests.act_as('app_user');
select throws_ok($$ select rental.list_contractors() $$, 'PT401', 'unauthenticated', 'nobody signed in gets an error, not a list');

select * from finish();
rollback;

-- rental.list_tickets: newest first, for a landlord or for a renter.
begin;
select plan(13);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('north', 'attic'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft'), tests.renter('south', 'sam', 'barn');
select tests.ticket('north', 'tap', 'loft', 'rita', '2024-01-01'), tests.ticket('north', 'lamp', 'attic', null, '2024-01-02'),
       tests.ticket('north', 'door', 'loft', null, '2024-01-03'), tests.ticket('south', 'roof', 'barn', 'sam', '2024-01-04');
update rental.tickets set status = 'CLOSED' where id = tests.id('tap');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select t ->> 'title' collate "C" from jsonb_array_elements(rental.list_tickets() -> 'tickets') as t $$,
    $$ values ('door' collate "C"), ('lamp'), ('tap') $$,
    'north lists the tickets of north, newest first');
select is(
    (select array_agg(k.key order by k.key) from jsonb_object_keys(rental.list_tickets() -> 'tickets' -> 0) as k (key)),
    array['contractor_id', 'created_at', 'id', 'priority', 'status', 'tenant_id', 'title', 'unit_id', 'version'],
    'a ticket has these keys and no others');
select results_eq(
    $$ select t ->> 'title' collate "C" from jsonb_array_elements(rental.list_tickets(p_status => 'OPEN') -> 'tickets') as t $$,
    $$ values ('door' collate "C"), ('lamp') $$,
    'a status narrows the list');
select results_eq(
    $$ select t ->> 'title' collate "C" from jsonb_array_elements(rental.list_tickets(p_unit_id => tests.id('loft')) -> 'tickets') as t $$,
    $$ values ('door' collate "C"), ('tap') $$,
    'a unit narrows the list');
select is(
    rental.list_tickets(1, 1, 'OPEN', tests.id('loft')) -> 'pagination',
    '{"page": 1, "limit": 1, "total": 1, "totalPages": 1, "hasNext": false, "hasPrev": false}'::jsonb,
    'the pagination counts what the filters leave');
select is(rental.list_tickets(2, 2) -> 'tickets' -> 0 ->> 'title', 'tap', 'the second page goes on where the first ended');
select is(rental.list_tickets(p_unit_id => tests.id('barn')) -> 'tickets', '[]'::jsonb, 'a unit of south has no tickets for north');
select throws_ok($$ select rental.list_tickets(0) $$, 'PT400', 'bad_request', 'there is no page 0');
select tests.act_as('app_user', 'north');
select throws_ok($$ select rental.list_tickets() $$, 'PT403', 'forbidden', 'a landlord who names no tenant gets an error, not a list');
select tests.act_as('app_user');
select throws_ok($$ select rental.list_tickets() $$, 'PT401', 'unauthenticated', 'nobody signed in gets an error, not a list');

select tests.act_as('app_renter', 'rita');
select results_eq(
    $$ select t ->> 'title' collate "C" from jsonb_array_elements(rental.list_tickets() -> 'tickets') as t $$,
    $$ values ('tap' collate "C") $$,
    'a renter lists own tickets, not the landlord''s about the same unit');
select is((rental.list_tickets() -> 'pagination' ->> 'total')::integer, 1, 'and they are all that is counted');
select tests.act_as('app_renter');
select throws_ok($$ select rental.list_tickets() $$, 'PT401', 'unauthenticated', 'a renter who is not signed in gets an error');

select * from finish();
rollback;

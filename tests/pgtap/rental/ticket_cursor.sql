-- rental.ticket_cursor: the sort key of a ticket, to the microsecond.
begin;
select plan(3);

select tests.landlord('north'), tests.unit('north', 'loft'), tests.renter('north', 'rita', 'loft');
select tests.ticket('north', 'tap', 'loft', 'rita', '2024-01-01 10:00:00.123456+00');

select tests.act_as('app_renter', 'rita');
select is(
    (select core.decode_cursor(rental.ticket_cursor(t)) ->> 'id' from rental.tickets as t),
    tests.id('tap')::text,
    'the cursor knows the ticket');
select is(
    (select (core.decode_cursor(rental.ticket_cursor(t)) ->> 'created_at')::timestamptz from rental.tickets as t),
    '2024-01-01 10:00:00.123456+00'::timestamptz,
    'the cursor knows the time to the microsecond');
select is_empty(
    $$ select p.id from rental.tickets as t cross join lateral rental.portal_tickets(10, rental.ticket_cursor(t)) as p $$,
    'after the only ticket there is none');

select * from finish();
rollback;

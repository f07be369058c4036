-- rental.portal_tickets: the renter's tickets by cursor, without gap or repetition while new ones come in.
begin;
select plan(13);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft'), tests.renter('south', 'rita', 'barn'), tests.renter('north', 'rob', 'loft');
-- Five moments with 30 tickets each, so that ties are the rule.
select tests.ticket('north', 'ticket ' || n, 'loft', 'rita', timestamptz '2024-01-01' + (n % 5) * interval '1 microsecond')
  from generate_series(1, 150) as n;
select tests.ticket('south', 'roof', 'barn', 'rita', '2025-01-01'), tests.ticket('north', 'lamp', 'loft', 'rob', '2025-02-01');

-- Read everything page by page, and let somebody open a ticket before each page.
create function pg_temp.read_all(p_limit integer) returns table (page integer, id uuid)
    language plpgsql
as $fn$
declare
    v_cursor text;
    v_ticket rental.tickets;
begin
    for n in 1..100 loop
        perform tests.act_as_admin();
        perform tests.ticket('north', format('late %s/%s', p_limit, n), 'loft', 'rita', now());
        perform tests.act_as('app_renter', 'rita');
        for v_ticket in select * from rental.portal_tickets(p_limit, v_cursor) loop
            page := n;
            id := v_ticket.id;
            return next;
        end loop;
        exit when not found;
        v_cursor := rental.ticket_cursor(v_ticket);
    end loop;
end
$fn$;

create temporary table sevens on commit drop as select * from pg_temp.read_all(7);
select tests.act_as_admin();
grant select on sevens to app_renter;

select results_eq(
    $$ select id from sevens where id not in (select id from rental.tickets where title like 'late %') $$,
    $$ select k.id from rental.tickets as k join rental.tenants as t on t.id = k.tenant_id
        where t.first_name = 'rita' and k.title not like 'late %'
        order by k.created_at desc, k.id desc $$,
    'page after page gives every ticket once, newest first, through ties of the time');
select results_eq(
    $$ select count(*) from sevens as s join rental.tickets as k on k.id = s.id where k.title like 'late %' $$,
    $$ values (1::bigint) $$,
    'tickets opened while reading are before the first page, so only the first read saw one');

select tests.act_as('app_renter', 'rita');
select results_eq(
    $$ select title from rental.portal_tickets(100) where title not like 'late %' limit 1 $$,
    $$ values ('roof') $$,
    'the newest ticket comes first, whoever the landlord is');
select results_eq($$ select count(*) from rental.portal_tickets(1) $$, $$ values (1::bigint) $$, 'a page has as many tickets as asked for');
select results_eq($$ select count(*) from rental.portal_tickets() $$, $$ values (50::bigint) $$, '50 unless told');
select results_eq($$ select count(*) from rental.portal_tickets(1000) $$, $$ values (100::bigint) $$, 'and 100 at most');
select results_eq($$ select count(*) from rental.portal_tickets(0) $$, $$ values (1::bigint) $$, 'and 1 at least');
select throws_ok($$ select rental.portal_tickets(10, 'garbage') $$, 'PT400', 'bad_request', 'garbage is no cursor');
select throws_ok(
    $$ select rental.portal_tickets(10, core.encode_cursor('{"name": "x", "id": "y"}')) $$,
    'PT400', 'bad_request', 'the cursor of another list is no cursor');
select throws_ok(
    $$ select rental.portal_tickets(10, core.encode_cursor('{"created_at": "yesterday-ish", "id": "y"}')) $$,
    'PT400', 'bad_request', 'a cursor with other values is no cursor');

select tests.act_as('app_renter', 'rob');
select results_eq($$ select title from rental.portal_tickets() $$, $$ values ('lamp') $$, 'another renter has other tickets');
select tests.act_as('app_renter');
select throws_ok($$ select rental.portal_tickets() $$, 'PT401', 'unauthenticated', 'nobody signed in gets an error, not a list');
select tests.act_as('app_user', 'north', 'north');
select throws_ok(
    $$ select rental.portal_tickets() $$,
    '42501', 'permission denied for function portal_tickets', 'the portal is the renters''');

select * from finish();
rollback;

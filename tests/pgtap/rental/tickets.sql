-- rental.tickets: landlords run them, renters open them.
begin;
select plan(23);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft'), tests.renter('south', 'sam', 'barn');
select tests.ticket('north', 'tap', 'loft', 'rita'), tests.ticket('south', 'roof', 'barn', 'sam');
insert into rental.contractors (owner_user_id, id, name)
values (tests.id('north'), tests.id('plumber'), 'Plumber'), (tests.id('south'), tests.id('roofer'), 'Roofer');

-- Values, references, version.
select throws_ok(
    $$ update rental.tickets set status = 'DONE' where id = tests.id('tap') $$,
    '23514', null, 'an unknown status is refused');
select throws_ok(
    $$ update rental.tickets set priority = 'URGENT' where id = tests.id('tap') $$,
    '23514', null, 'an unknown priority is refused');
select throws_ok(
    $$ update rental.tickets set contractor_id = tests.id('roofer') where id = tests.id('tap') $$,
    '23503', null, 'a ticket of north cannot go to a contractor of south');
select throws_ok(
    $$ update rental.tickets set unit_id = tests.id('barn') where id = tests.id('tap') $$,
    '23503', null, 'a ticket of north cannot be about a unit of south');
select throws_ok(
    $$ update rental.tickets set tenant_id = tests.id('south/sam') where id = tests.id('tap') $$,
    '23503', null, 'a ticket of north cannot be of a renter of south');
select lives_ok(
    $$ update rental.tickets set contractor_id = tests.id('plumber'), version = 77 where id = tests.id('tap') $$,
    'a ticket of north goes to a contractor of north');
select results_eq(
    $$ select version from rental.tickets where id = tests.id('tap') $$,
    $$ values (1) $$,
    'the version counts updates, whatever the statement says');
delete from rental.contractors where id = tests.id('plumber');
select results_eq(
    $$ select owner_user_id, contractor_id from rental.tickets where id = tests.id('tap') $$,
    $$ select tests.id('north'), null::uuid $$,
    'a ticket outlives its contractor');
select throws_ok(
    $$ update rental.tickets set owner_user_id = tests.id('south'), unit_id = null, tenant_id = null where id = tests.id('tap') $$,
    'PT422', 'invalid', 'a ticket does not change its landlord');

-- Rows.
select tests.act_as('app_user', 'north', 'north');
select results_eq($$ select title from rental.tickets $$, $$ values ('tap') $$, 'north sees the tickets of north and no others');
select lives_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, title) values (tests.id('north'), tests.id('loft'), 'lamp') $$,
    'north adds a ticket');
select throws_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, title) values (tests.id('south'), tests.id('barn'), 'lamp') $$,
    '42501', 'new row violates row-level security policy for table "tickets"',
    'north adds no ticket to south');
select results_eq(
    $$ update rental.tickets set status = 'CLOSED' where id = tests.id('tap') returning status $$,
    $$ values ('CLOSED') $$,
    'north closes an own ticket');
select is_empty(
    $$ update rental.tickets set status = 'CLOSED' where id = tests.id('roof') returning id $$,
    'north closes no ticket of south');
select results_eq(
    $$ delete from rental.tickets where id = tests.id('tap') returning title $$,
    $$ values ('tap') $$,
    'north deletes an own ticket');
select is_empty(
    $$ delete from rental.tickets where id = tests.id('roof') returning id $$,
    'north deletes no ticket of south');

-- Renters write by inserting and in no other way.
select tests.act_as('app_renter', 'sam');
select results_eq($$ select title from rental.tickets $$, $$ values ('roof') $$, 'a renter sees own tickets');
select throws_ok(
    $$ update rental.tickets set title = 'x' where id = tests.id('roof') $$,
    '42501', 'permission denied for table tickets', 'a renter changes no ticket');
select throws_ok(
    $$ delete from rental.tickets where id = tests.id('roof') $$,
    '42501', 'permission denied for table tickets', 'a renter deletes no ticket');
select throws_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, tenant_id, title, status)
       values (tests.id('south'), tests.id('barn'), tests.id('south/sam'), 'x', 'CLOSED') $$,
    '42501', 'permission denied for table tickets', 'a renter does not decide the status');

-- Live boards: each change is an event of its landlord, and of nobody else.
select tests.act_as_admin();
delete from core.outbox_events;
select tests.act_as('app_user', 'north', 'north');
select rental.create_ticket(tests.id('loft'), 'Drip');
select rental.update_ticket(id, '{"status": "CLOSED"}', 0) from rental.tickets where title = 'Drip';
select tests.act_as('app_renter', 'sam');
select rental.create_ticket(tests.id('barn'), 'Draught');
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select e.channel, e.event, e.entity_type, t.title, e.payload #>> '{row,status}', e.payload #>> '{user,id}', e.payload #>> '{user,email}'
         from core.outbox_events as e join rental.tickets as t on t.id::text = e.entity_id order by e.id $$,
    $$ select 'tickets', what.event, 'rental.tickets', 'Drip', what.status, u.id::text, u.email::text
         from core.users as u, (values (1, 'INSERT', 'OPEN'), (2, 'UPDATE', 'CLOSED')) as what (n, event, status) where u.id = tests.id('north') order by what.n $$,
    'north hears of a new ticket and of its end, and who did it');
select is((select count(*) from core.outbox_events), 2::bigint, 'and of nothing else');
select tests.act_as('app_user', 'south', 'south');
select results_eq(
    $$ select event, payload #>> '{row,title}', payload -> 'user' from core.outbox_events $$,
    $$ values ('INSERT', 'Draught', 'null'::jsonb) $$, 'south hears what a renter reported; a person from outside is not named');

select * from finish();
rollback;

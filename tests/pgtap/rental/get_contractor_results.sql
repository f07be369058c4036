-- rental.get_contractor_results: what is young enough, of an own ticket.
begin;
select plan(8);

select tests.landlord('north'), tests.landlord('south');
select tests.ticket('north', 'tap'), tests.ticket('north', 'lamp'), tests.ticket('south', 'roof');
insert into rental.contractor_search_results (owner_user_id, ticket_id, results, updated_at)
values (tests.id('north'), tests.id('tap'), '["old"]', now() - interval '3 hours'),
       (tests.id('north'), tests.id('tap'), '["new"]', now() - interval '2 hours'),
       (tests.id('south'), tests.id('roof'), '["roofer"]', now());

select tests.act_as('app_user', 'north', 'north');
select is(rental.get_contractor_results(tests.id('tap')), '["new"]'::jsonb, 'the newest results, a day old at most');
select is(rental.get_contractor_results(tests.id('tap'), '2 hours'), '["new"]'::jsonb, 'just young enough');
select is(rental.get_contractor_results(tests.id('tap'), '1 hour'), null, 'too old');
select is(rental.get_contractor_results(tests.id('lamp')), null, 'never searched');
select is(rental.get_contractor_results(tests.id('roof')), null, 'south''s ticket has nothing for north');
select tests.act_as('app_user', 'south', 'south');
select is(rental.get_contractor_results(tests.id('roof')), '["roofer"]'::jsonb, 'and has for south');
select tests.act_as('app_user');
select throws_ok($$ select rental.get_contractor_results(tests.id('tap')) $$, 'PT401', 'unauthenticated', 'nobody signed in gets an error');
select tests.act_as('app_user', 'north');
select throws_ok($$ select rental.get_contractor_results(tests.id('tap')) $$, 'PT403', 'forbidden', 'no tenant named, an error');

select * from finish();
rollback;

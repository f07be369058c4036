-- rental.put_contractor_results: one row per ticket, the last search wins.
begin;
select plan(12);

select tests.landlord('north'), tests.landlord('south');
select tests.ticket('north', 'tap'), tests.ticket('south', 'roof');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select owner_user_id, ticket_id, results from rental.put_contractor_results(tests.id('tap'), '[{"name": "a"}]') $$,
    $$ values (tests.id('north'), tests.id('tap'), '[{"name": "a"}]'::jsonb) $$,
    'results are stored with their ticket');
select results_eq(
    $$ select results from rental.put_contractor_results(tests.id('tap'), '[]') $$, $$ values ('[]'::jsonb) $$,
    'later results take their place');
select results_eq($$ select count(*) from rental.contractor_search_results $$, $$ values (1::bigint) $$, 'in the same row');
select lives_ok(
    $$ insert into rental.contractor_search_results (owner_user_id, ticket_id) values (tests.id('north'), tests.id('tap')) $$,
    'a second row, written by hand, is no harm');
select results_eq(
    $$ select results from rental.put_contractor_results(tests.id('tap'), '["b"]') $$, $$ values ('["b"]'::jsonb) $$,
    'one of the two takes the results');
select is(rental.get_contractor_results(tests.id('tap')), '["b"]'::jsonb, 'and it is the one that is read');
select throws_ok($$ select rental.put_contractor_results(tests.id('tap'), '{}') $$, 'PT422', 'invalid', 'results are an array');
select throws_ok($$ select rental.put_contractor_results(tests.id('tap'), null) $$, 'PT422', 'invalid', 'and not null');
select throws_ok($$ select rental.put_contractor_results(tests.id('roof'), '[]') $$, 'PT403', 'forbidden', 'south''s ticket is refused');
select throws_ok($$ select rental.put_contractor_results(gen_random_uuid(), '[]') $$, 'PT403', 'forbidden', 'and so is a missing one');
select tests.act_as('app_user');
select throws_ok($$ select rental.put_contractor_results(tests.id('tap'), '[]') $$,
    'PT401', 'unauthenticated', 'nobody signed in stores nothing');
select tests.act_as_admin();
select is_empty($$ select id from rental.contractor_search_results where owner_user_id = tests.id('south') $$, 'south has no results');

select * from finish();
rollback;

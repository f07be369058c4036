-- rental.contractor_search_results: search results live and die with their ticket.
begin;
select plan(10);

select tests.landlord('north'), tests.landlord('south'), tests.member('north', 'helper', 'TENANT');
select tests.ticket('north', 'tap'), tests.ticket('south', 'roof');
insert into rental.contractor_search_results (owner_user_id, id, ticket_id, results)
values (tests.id('north'), tests.id('found n'), tests.id('tap'), '[{"name": "Plumber"}]'),
       (tests.id('south'), tests.id('found s'), tests.id('roof'), '[{"name": "Roofer"}]');

select throws_ok(
    $$ update rental.contractor_search_results set results = '{}' where id = tests.id('found n') $$,
    '23514', null, 'results are an array');
select throws_ok(
    $$ insert into rental.contractor_search_results (owner_user_id, ticket_id) values (tests.id('north'), tests.id('roof')) $$,
    '23503', null, 'results of north cannot be about a ticket of south, not even by the owner''s hand');

select tests.act_as('app_user', 'north', 'north');
select results_eq($$ select results from rental.contractor_search_results $$, $$ values ('[{"name": "Plumber"}]'::jsonb) $$,
    'north sees results of north and no others');
select lives_ok(
    $$ insert into rental.contractor_search_results (owner_user_id, ticket_id) values (tests.id('north'), tests.id('tap')) $$,
    'north adds results');
select throws_ok(
    $$ insert into rental.contractor_search_results (owner_user_id, ticket_id) values (tests.id('south'), tests.id('roof')) $$,
    '42501', 'new row violates row-level security policy for table "contractor_search_results"',
    'north adds no results to south');
select results_eq(
    $$ update rental.contractor_search_results set results = '[]' where id = tests.id('found n') returning results $$,
    $$ values ('[]'::jsonb) $$,
    'north changes own results');
select is_empty(
    $$ update rental.contractor_search_results set results = '[]' where id = tests.id('found s') returning id $$,
    'north changes no results of south');

select tests.act_as('app_user', 'helper', 'north');
select is_empty($$ delete from rental.contractor_search_results returning id $$,
    'a member below administrator deletes none');
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ with gone as (delete from rental.contractor_search_results returning 1) select count(*) from gone $$,
    $$ values (2::bigint) $$,
    'a delete without a filter deletes the results of north only');

select tests.act_as_admin();
delete from rental.tickets where id = tests.id('roof');
select is_empty($$ select id from rental.contractor_search_results $$, 'results go with their ticket');

select * from finish();
rollback;

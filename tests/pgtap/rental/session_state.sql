-- What a session keeps between requests, and what it may create for itself, opens nothing: prepared statements, cursors, temporary
-- objects under the names of ours. What outlives a commit is in core/context_transactions.sql.
begin;
select plan(12);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', u) from unnest(array['loft', 'attic']) as u;
select tests.unit('south', 'barn');
select tests.renter('north', 'rita', 'loft');

-- a statement prepared by one caller, executed by others
prepare units as select name from rental.units order by name;

select tests.act_as('app_user', 'north', 'north');
select results_eq('execute units', $$ values ('attic'), ('loft') $$, 'a prepared statement shows the landlord''s units');
select tests.act_as('app_renter', 'rita');
select results_eq('execute units', $$ values ('loft') $$, 'for a renter, after a change of role, the one rented');
select tests.act_as('app_user', 'south', 'south');
select results_eq('execute units', $$ values ('barn') $$, 'for the other landlord the other units');
select tests.act_as('app_user', 'rita');
select is_empty('execute units', 'for a renter who acts as a landlord none');
select tests.act_as('app_user');
select is_empty('execute units', 'and for nobody none');

-- a cursor opened under one context, read under the next
select tests.act_as('app_user', 'north', 'north');
declare opened cursor for select name from rental.units order by name;
select results_eq('fetch 1 from opened', $$ values ('attic') $$, 'a cursor shows the rows of the landlord who opened it');
select core.clear_context();
declare later cursor for select name from rental.units order by name;
select is_empty('fetch all from later', 'one opened after the context was cleared shows none');

-- objects of the caller's own under the names that functions and policies use
select tests.act_as('app_user', 'north', 'north');
create temporary table units (like rental.units) on commit drop;
create temporary table memberships on commit drop as
select tests.id('south') as tenant_id, tests.id('north') as user_id, 'OWNER' as role_key, 'active' as status;
create function pg_temp.active_tenant_id() returns uuid language sql return tests.id('south');
create function pg_temp.current_setting(text, boolean) returns text language sql return tests.id('south')::text;
create function pg_temp.seal_holds() returns boolean language sql return true;
set local search_path = pg_temp, core, rental, pg_catalog, public;
select is(core.active_tenant_id(), tests.id('north'), 'the tenant is read by our functions, not by the caller''s of the same name');
select is_empty('select name from units', 'the caller''s own table is what the caller gets');
select results_eq('select name from rental.units order by name', $$ values ('attic'), ('loft') $$, 'policies see the tables they name');
select is(rental.list_units() #>> '{pagination,total}', '2', 'and functions do');
select ok(not core.is_member(tests.id('south')), 'a membership of the caller''s own making is none');

select * from finish();
rollback;

-- Renters (R-LL-31): own rows, tenancies, tickets and leased units, new tickets for the own unit, and nothing else.
begin;
select plan(34);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('north', 'attic'), tests.unit('north', 'cellar'),
       tests.unit('south', 'barn'), tests.unit('south', 'shed');
-- Rita lives in north's loft, rents north's cellar and has an ended lease of the attic; she also lives in south's barn.
select tests.renter('north', 'rita', 'loft'), tests.renter('north', 'rob', 'attic'),
       tests.renter('south', 'rita', 'barn'), tests.renter('south', 'sam', 'shed');
select tests.tenancy('north', 'cellar', 'rita', current_date - 10, null),
       tests.tenancy('north', 'attic', 'rita', '2020-01-01', '2020-12-31', 'ENDED'),
       tests.tenancy('north', 'attic', 'rob', '2021-01-01');
select tests.ticket('north', 'tap', 'loft', 'rita', '2024-01-01'), tests.ticket('south', 'roof', 'barn', 'rita', '2024-01-02'),
       tests.ticket('north', 'lamp', 'attic', 'rob'), tests.ticket('north', 'stairs', 'loft'), tests.ticket('south', 'door', 'shed', 'sam');
insert into rental.contractors (owner_user_id, name) values (tests.id('north'), 'Plumber');

-- Reads.
select tests.act_as('app_renter', 'rita');
select set_eq(
    $$ select owner_user_id, first_name from rental.tenants $$,
    $$ values (tests.id('north'), 'rita'), (tests.id('south'), 'rita') $$,
    'a renter sees own rows, one per landlord, and no other renter');
select set_eq(
    $$ select name from rental.units $$,
    $$ values ('loft'), ('cellar'), ('barn') $$,
    'a renter sees the units lived in and rented, not the one moved out of, not a neighbour''s');
select set_eq(
    $$ select id from rental.tenancies $$,
    $$ values (tests.id('cellar let to rita')), (tests.id('attic let to rita')) $$,
    'a renter sees own tenancies, ended ones too, and not the successor''s');
select set_eq(
    $$ select title from rental.tickets $$,
    $$ values ('tap'), ('roof') $$,
    'a renter sees own tickets, and not the landlord''s about the same unit');

-- Nothing else.
select throws_ok(format('select * from rental.%I', t), '42501', 'permission denied for table ' || t, 'a renter reads no ' || t)
  from unnest(array['contractors', 'contractor_search_results', 'tenant_invites', 'import_batches', 'import_errors',
                    'tenant_owner_quarantine', 'user_profiles']) as t;
select throws_ok(format('delete from rental.%I', t), '42501', 'permission denied for table ' || t, 'a renter deletes no ' || t)
  from unnest(array['units', 'tenants', 'tenancies', 'tickets']) as t;
select throws_ok(format('update rental.%I set unit_id = unit_id', t), '42501', 'permission denied for table ' || t, 'a renter changes no ' || t)
  from unnest(array['tenants', 'tenancies', 'tickets']) as t;
select throws_ok(
    $$ insert into rental.tenants (owner_user_id, first_name, last_name, email) values (tests.id('north'), 'x', 'x', 'x@example.test') $$,
    '42501', 'permission denied for table tenants', 'a renter adds no renter');
select throws_ok(
    $$ select rental.list_units() $$,
    '42501', 'permission denied for function list_units', 'a renter calls no landlord''s function');

-- Writes: tickets in the own name, for an own unit of the same landlord.
select lives_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, tenant_id, title)
       values (tests.id('north'), tests.id('cellar'), tests.id('north/rita'), 'damp') $$,
    'a renter opens a ticket for a rented unit');
select throws_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, tenant_id, title)
       values (tests.id('north'), tests.id('attic'), tests.id('north/rita'), 'x') $$,
    '42501', 'new row violates row-level security policy for table "tickets"',
    'a renter opens no ticket for a unit they moved out of');
select throws_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, tenant_id, title)
       values (tests.id('north'), tests.id('loft'), tests.id('north/rob'), 'x') $$,
    '42501', 'new row violates row-level security policy for table "tickets"',
    'a renter opens no ticket in a neighbour''s name');
select throws_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, title) values (tests.id('north'), tests.id('loft'), 'x') $$,
    '42501', 'new row violates row-level security policy for table "tickets"',
    'a renter opens no ticket in nobody''s name');
select throws_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, tenant_id, title)
       values (tests.id('north'), tests.id('barn'), tests.id('north/rita'), 'x') $$,
    '23503', null, 'a renter of two landlords cannot mix them up: the unit is the other one''s');
select throws_ok(
    $$ insert into rental.tickets (owner_user_id, unit_id, tenant_id, title)
       values (tests.id('south'), tests.id('loft'), tests.id('north/rita'), 'x') $$,
    '23503', null, 'a renter cannot put a ticket before a landlord who is not the unit''s');

-- A renter sees no more for being a landlord as well, nor for standing in another's context.
select tests.act_as('app_renter', 'north', 'north');
select is_empty($$ select id from rental.units $$, 'a landlord who acts as a renter sees no units');
select is_empty($$ select id from rental.tickets $$, 'a landlord who acts as a renter sees no tickets');
select tests.act_as('app_renter', 'rob');
select set_eq($$ select title from rental.tickets $$, $$ values ('lamp') $$, 'another renter sees other tickets');
select set_eq($$ select name from rental.units $$, $$ values ('attic') $$, 'another renter sees other units');
select tests.act_as('app_renter');
select is_empty(
    $$ select id from rental.units union all select id from rental.tenants
       union all select id from rental.tenancies union all select id from rental.tickets $$,
    'nobody signed in, nothing to see');
select set_config('app.user_id', tests.id('rob')::text, true);
select is_empty(
    $$ select id from rental.units union all select id from rental.tenants
       union all select id from rental.tenancies union all select id from rental.tickets $$,
    'a context written by hand shows nothing');

-- Being a renter gives no rights as a landlord.
select tests.act_as('app_user', 'rita');
select is_empty(
    $$ select id from rental.units union all select id from rental.tenants
       union all select id from rental.tenancies union all select id from rental.tickets $$,
    'a renter who acts as a landlord sees nothing');
select tests.act_as_admin();
select throws_ok(
    $$ select core.set_context(tests.id('rita'), tests.id('north')) $$,
    'PT403', 'forbidden', 'a renter cannot enter the landlord''s tenant');

select * from finish();
rollback;

-- Index claims (R-LL-25 to R-LL-28), by plan shape under row security: each query reaches the index that was made for it.
begin;
select plan(20);

-- 100 landlords with 20 units, 40 renters, 40 tenancies, 40 invites and 200 tickets each.
create temporary table landlords on commit drop as
select no, tests.id('landlord' || no) as id from generate_series(1, 100) as no;
insert into core.users (id, email, name) select l.id, format('landlord%s@example.test', l.no), 'x' from landlords as l;
insert into core.users (id, email, name)
select tests.id('login' || n), format('login%s@example.test', n), 'x' from generate_series(1, 4000) as n;
select tests.tenant('landlord50', 'rental', 'landlord50');

insert into rental.units (owner_user_id, id, name, address1, city, state, postal_code)
select l.id, tests.id('unit ' || n), 'unit ' || n, 'x', 'x', 'x', 'x'
  from generate_series(1, 2000) as n join landlords as l on l.no = 1 + n % 100;
insert into rental.tenants (owner_user_id, id, first_name, last_name, email, user_id, unit_id)
select l.id, tests.id('renter ' || n), 'x', 'x', format('renter%s@example.test', n), tests.id('login' || n), tests.id('unit ' || (1 + (n - 1) % 2000))
  from generate_series(1, 4000) as n join landlords as l on l.no = 1 + n % 100;
insert into rental.tenancies (owner_user_id, id, unit_id, tenant_id, start_date, end_date, status)
select l.id, tests.id('tenancy ' || n), tests.id('unit ' || (1 + (n - 1) % 2000)), tests.id('renter ' || n),
       date '2015-01-01' + n, date '2016-01-01' + n, 'ENDED'
  from generate_series(1, 4000) as n join landlords as l on l.no = 1 + n % 100;
insert into rental.tenant_invites (owner_user_id, tenant_id, email, token_hash, claimed_at)
select l.id, tests.id('renter ' || n), format('renter%s@example.test', n), 'hash ' || n,
       case when n % 10 <> 0 then timestamptz '2024-01-01' + n * interval '1 hour' end
  from generate_series(1, 4000) as n join landlords as l on l.no = 1 + n % 100;
insert into rental.tickets (owner_user_id, id, unit_id, tenant_id, title, status, created_at)
select l.id, tests.id('ticket ' || n), tests.id('unit ' || (1 + (n - 1) % 2000)), tests.id('renter ' || (1 + (n - 1) % 4000)), 'x',
       case when n % 40 = 0 then 'OPEN' else 'CLOSED' end, timestamptz '2024-01-01' + n * interval '1 minute'
  from generate_series(1, 20000) as n join landlords as l on l.no = 1 + n % 100;
insert into rental.contractor_search_results (owner_user_id, ticket_id, results, updated_at)
select t.owner_user_id, t.id, '[]', t.created_at from rental.tickets as t;
insert into rental.contractors (owner_user_id, name)
select l.id, 'contractor ' || n from generate_series(1, 4000) as n join landlords as l on l.no = 1 + n % 100;

analyze rental.units;
analyze rental.tenants;
analyze rental.tenancies;
analyze rental.tenant_invites;
analyze rental.tickets;
analyze rental.contractor_search_results;
analyze rental.contractors;

-- As a landlord; landlord 50 has the units, renters and tickets n with 1 + n % 100 = 50, such as 49 and 149.
select tests.act_as('app_user', 'landlord50', 'landlord50');
select results_eq($$ select count(*) from rental.tickets $$, $$ values (200::bigint) $$, 'the landlord of these plans has 200 of 20,000 tickets');

select cmp_ok(tests.plan_indexes($$ select id from rental.tickets order by created_at desc, id desc limit 50 $$), '@>',
    array['tickets_owner_created_idx'], 'a landlord''s newest tickets');
select cmp_ok(tests.plan_indexes($$ select id from rental.tickets where status = 'OPEN' $$), '@>',
    array['tickets_owner_status_idx'], 'a landlord''s open tickets');
select cmp_ok(tests.plan_indexes(format('select id from rental.tickets where unit_id = %L and status = %L', tests.id('unit 49'), 'OPEN')), '@>',
    array['tickets_unit_status_idx'], 'the open tickets of a unit');
select cmp_ok(tests.plan_indexes(format('select id from rental.tickets where tenant_id = %L order by created_at desc', tests.id('renter 49'))), '@>',
    array['tickets_tenant_created_idx'], 'the newest tickets of a renter');
select cmp_ok(tests.plan_indexes(format('select id from rental.tenancies where unit_id = %L order by start_date', tests.id('unit 49'))), '@>',
    array['tenancies_unit_start_idx'], 'the history of a unit');
select cmp_ok(tests.plan_indexes($$ select id from rental.tenancies where start_date between '2016-05-01' and '2016-05-07' and end_date < '2017-05-05' $$), '@>',
    array['tenancies_start_end_idx'], 'the tenancies of a week');
select cmp_ok(tests.plan_indexes($$ select id from rental.tenant_invites where claimed_at >= '2024-06-01' order by claimed_at desc limit 5 $$), '@>',
    array['tenant_invites_owner_claimed_idx'], 'a landlord''s newest claims');
select cmp_ok(tests.plan_indexes($$ select id from rental.tenant_invites where email = 'renter49@example.test' and claimed_at is null $$), '@>',
    array['tenant_invites_email_claimed_idx'], 'the open invites of an address');
select cmp_ok(tests.plan_indexes(format(
        'select id from rental.contractor_search_results where ticket_id = %L and updated_at < %L', tests.id('ticket 49'), '2024-02-01')), '@>',
    array['contractor_search_results_ticket_updated_idx'], 'the stale search results of a ticket');
select cmp_ok(tests.plan_indexes($$ select id, name from rental.units order by name, id limit 50 $$), '@>',
    array['units_owner_name_idx'], 'a landlord''s units by name');
select cmp_ok(tests.plan_indexes($$ select id from rental.contractors order by name, id limit 10 $$), '@>',
    array['contractors_owner_name_idx'], 'a landlord''s contractors by name');
select cmp_ok(tests.plan_indexes(format('select id from rental.units where id = %L for key share', tests.id('unit 49'))), '&&',
    array['units_pkey', 'units_id_idx'], 'the ownership check of one unit, by a key');
select cmp_ok(tests.plan_indexes($$ select id from rental.tenants where email = 'renter49@example.test' $$), '&&',
    array['tenants_email_idx', 'tenants_owner_email_key'], 'a renter by address');
select cmp_ok(tests.plan_indexes(format('select id from rental.tenants where unit_id = %L', tests.id('unit 49'))), '@>',
    array['tenants_unit_id_idx'], 'who lives in a unit');

-- As a renter, whose policies know ids and no landlord.
select tests.act_as('app_renter', 'login49');
select cmp_ok(tests.plan_indexes($$ select id from rental.tickets order by created_at desc, id desc limit 50 $$), '@>',
    array['tickets_tenant_created_idx'], 'a renter''s own tickets');
select cmp_ok(tests.plan_indexes($$ select id from rental.tenants $$), '@>', array['tenants_user_id_idx'], 'a renter''s own rows');
select cmp_ok(tests.plan_indexes($$ select id from rental.tenancies $$), '@>', array['tenancies_tenant_id_idx'], 'a renter''s own tenancies');
select cmp_ok(tests.plan_indexes($$ select id from rental.units $$), '@>', array['units_id_idx'], 'a renter''s own units');

-- A policy that cannot use its index would show here: no scan of a whole table in any of the lists.
select tests.act_as('app_user', 'landlord50', 'landlord50');
select is_empty(
    $$ select t from unnest(array['units', 'tenants', 'tenancies', 'tickets', 'tenant_invites', 'contractors', 'contractor_search_results']) as t
        where cardinality(tests.plan_indexes(format('select id from rental.%I', t))) = 0 $$,
    'a landlord reads no table from end to end, however little the query says');

select * from finish();
rollback;

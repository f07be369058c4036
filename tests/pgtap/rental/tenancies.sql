-- rental.tenancies: one active tenancy of a unit at a time, and nothing across landlords.
begin;
select plan(23);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('north', 'attic'), tests.unit('south', 'barn');
select tests.renter('north', 'rita'), tests.renter('north', 'rob'), tests.renter('south', 'sam');
select tests.tenancy('north', 'loft', 'rita', '2024-01-01', '2024-12-31');
select tests.tenancy('south', 'barn', 'sam', '2024-01-01');

-- Values and references.
select throws_ok(
    $$ select tests.tenancy('north', 'attic', 'rob', '2024-02-01', '2024-01-31') $$,
    '23514', null, 'a tenancy does not end before it starts');
select lives_ok(
    $$ select tests.tenancy('north', 'attic', 'rob', '2024-02-01', '2024-02-01') $$,
    'a tenancy of one day is fine');
select throws_ok(
    $$ update rental.tenancies set rent_amount = -1 where tenant_id = tests.id('north/rita') $$,
    '23514', null, 'rent is not negative');
select throws_ok(
    $$ update rental.tenancies set rent_amount = 'NaN' where tenant_id = tests.id('north/rita') $$,
    '23514', null, 'rent is a number');
select lives_ok(
    $$ update rental.tenancies set rent_amount = 0 where tenant_id = tests.id('north/rita') $$,
    'rent may be zero');
select throws_ok(
    $$ select tests.tenancy('north', 'barn', 'rita', '2030-01-01') $$,
    '23503', null, 'north cannot let a unit of south, not even by the owner''s hand');
select throws_ok(
    $$ select tests.tenancy('north', 'attic', 'sam', '2030-01-01') $$,
    '23503', null, 'north cannot let to a renter of south');
select throws_ok(
    $$ delete from rental.tenants where id = tests.id('north/rita') $$,
    tests.restrict_violation(), null, 'a renter with a tenancy cannot be deleted');

-- Overlap.
select throws_ok(
    $$ select tests.tenancy('north', 'loft', 'rob', '2024-12-31') $$,
    'PT409', 'conflict', 'a tenancy may not start on the last day of another');
select lives_ok(
    $$ select tests.tenancy('north', 'loft', 'rob', '2025-01-01', '2025-06-30') $$,
    'a tenancy may start on the day after');
select throws_ok(
    $$ update rental.tenancies set end_date = null where id = tests.id('loft let to rita') $$,
    'PT409', 'conflict', 'a tenancy may not be extended into the next one');
select lives_ok(
    $$ update rental.tenancies set end_date = '2024-11-30' where id = tests.id('loft let to rita') $$,
    'a tenancy may be cut short');
select lives_ok(
    $$ insert into rental.tenancies (owner_user_id, unit_id, tenant_id, start_date, status)
       values (tests.id('north'), tests.id('loft'), tests.id('north/rita'), '2025-02-01', 'DRAFT') $$,
    'a draft may overlap');
select throws_ok(
    $$ update rental.tenancies set status = 'ACTIVE' where status = 'DRAFT' and unit_id = tests.id('loft') $$,
    'PT409', 'conflict', 'a draft that overlaps may not become active');

-- Rows.
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select distinct owner_user_id from rental.tenancies $$,
    $$ select tests.id('north') $$,
    'north sees tenancies of north and no others');
select lives_ok(
    $$ insert into rental.tenancies (owner_user_id, unit_id, tenant_id, start_date)
       values (tests.id('north'), tests.id('attic'), tests.id('north/rita'), '2026-01-01') $$,
    'north adds a tenancy');
select throws_ok(
    $$ insert into rental.tenancies (owner_user_id, unit_id, tenant_id, start_date, status)
       values (tests.id('south'), tests.id('barn'), tests.id('south/sam'), '2020-01-01', 'DRAFT') $$,
    '42501', 'new row violates row-level security policy for table "tenancies"',
    'north adds no tenancy to south');
select throws_ok(
    $$ insert into rental.tenancies (owner_user_id, unit_id, tenant_id, start_date)
       values (tests.id('south'), tests.id('barn'), tests.id('south/sam'), '2024-06-01') $$,
    '42501', 'new row violates row-level security policy for table "tenancies"',
    'whether south''s unit is let does not show: an overlap there gives the same refusal');
select throws_ok(
    $$ insert into rental.tenancies (owner_user_id, unit_id, tenant_id, start_date)
       values (tests.id('north'), tests.id('attic'), tests.id('north/rob'), '2026-06-01') $$,
    'PT409', 'conflict', 'the overlap rule binds direct inserts of a landlord, too');
select results_eq(
    $$ update rental.tenancies set rent_amount = 900 where id = tests.id('loft let to rita') returning rent_amount $$,
    $$ values (900.00) $$,
    'north changes an own tenancy');
select is_empty(
    $$ update rental.tenancies set rent_amount = 1 where id = tests.id('barn let to sam') returning id $$,
    'north changes no tenancy of south');
select results_eq(
    $$ delete from rental.tenancies where id = tests.id('loft let to rob') returning id $$,
    $$ select tests.id('loft let to rob') $$,
    'north deletes an own tenancy');
select is_empty(
    $$ delete from rental.tenancies where id = tests.id('barn let to sam') returning id $$,
    'north deletes no tenancy of south');

select * from finish();
rollback;

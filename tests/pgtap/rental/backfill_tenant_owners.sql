-- rental.backfill_tenant_owners: unit, else newest ticket, else quarantine. The whole road from a legacy database is
-- tests/fixtures/rental_legacy; here the same table is loosened to the shape it has in between.
begin;
select plan(11);

select results_eq(
    $$ select via_unit, via_ticket, quarantined from rental.backfill_tenant_owners() $$,
    $$ values (0, 0, 0) $$,
    'where every renter has a landlord there is nothing to do');

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
select tests.renter('north', 'settled', 'loft');

alter table rental.tickets drop constraint tickets_tenant_id_fkey;
alter table rental.tenancies drop constraint tenancies_tenant_id_fkey;
alter table rental.tenant_invites drop constraint tenant_invites_tenant_id_fkey;
alter table rental.tenants drop constraint tenants_pkey;
alter table rental.tenants alter column owner_user_id drop not null;
alter table rental.tenants disable trigger _100_tenant_immutable;

insert into rental.tenants (id, first_name, last_name, email, unit_id)
select tests.id(r.name), r.name, 'x', r.name || '@example.test', tests.id(r.unit)
  from (values ('unit', 'barn'), ('both', 'loft'), ('ticket', null), ('moved', null), ('nobody', null)) as r (name, unit);
insert into rental.tickets (owner_user_id, tenant_id, title, created_at)
values (tests.id('south'), tests.id('both'), 'the unit outweighs this', '2024-05-01'),
       (tests.id('north'), tests.id('ticket'), 'the only one', '2024-01-01'),
       (tests.id('south'), tests.id('moved'), 'newest', '2024-03-01'),
       (tests.id('north'), tests.id('moved'), 'older', '2024-02-01'),
       (tests.id('north'), null, 'of nobody', '2024-06-01');

-- Migrations run as app_owner, which row security binds like everybody else.
select tests.act_as('app_owner');
select results_eq(
    $$ select via_unit, via_ticket, quarantined from rental.backfill_tenant_owners() $$,
    $$ values (2, 2, 1) $$,
    'two by unit, two by ticket, one set aside');
select set_eq(
    $$ select t.first_name, u.name from rental.tenants as t join core.users as u on u.id = t.owner_user_id $$,
    $$ values ('settled', 'north'), ('unit', 'south'), ('both', 'north'), ('ticket', 'north'), ('moved', 'south') $$,
    'the unit decides, else the newest ticket, and who had a landlord keeps it');
select is_empty($$ select id from rental.tenants where owner_user_id is null $$, 'nobody is left without a landlord');
select results_eq(
    $$ select tenant_id, payload ->> 'email', reason from rental.tenant_owner_quarantine $$,
    $$ values (tests.id('nobody'), 'nobody@example.test', 'neither a unit nor a ticket names a landlord') $$,
    'the quarantine has the whole row and the reason');
select results_eq(
    $$ select via_unit, via_ticket, quarantined from rental.backfill_tenant_owners() $$,
    $$ values (0, 0, 0) $$,
    'a second run finds nothing to do');
select results_eq($$ select count(*) from rental.tenant_owner_quarantine $$, $$ values (1::bigint) $$, 'and sets nobody aside again');

-- Row security that hides renters from the migration must not pass for success.
select tests.act_as_admin();
insert into rental.tenants (id, first_name, last_name, email) values (tests.id('hidden'), 'hidden', 'x', 'hidden@example.test');
create policy hides_deletes on rental.tenants as restrictive for delete to app_owner using (false);
select tests.act_as('app_owner');
select throws_ok($$ select rental.backfill_tenant_owners() $$, 'PT409', 'conflict', 'counts that do not add up are an error');
select tests.act_as_admin();
select results_eq($$ select owner_user_id from rental.tenants where id = tests.id('hidden') $$, $$ values (null::uuid) $$,
    'and nothing was changed');

select tests.act_as('app_user', 'north', 'north');
select throws_ok($$ select rental.backfill_tenant_owners() $$,
    '42501', 'permission denied for function backfill_tenant_owners', 'a landlord runs no migration');
select tests.act_as_admin();
select is_empty(
    $$ select r from unnest(array['app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as r
        where has_function_privilege(r, 'rental.backfill_tenant_owners()', 'execute') $$,
    'nor does any other application role');

select * from finish();
rollback;

-- rental.tenant_invites: one open invite per renter, and the claim is not the landlord's to write.
begin;
select plan(13);

select tests.landlord('north'), tests.landlord('south'), tests.member('north', 'helper', 'TENANT');
select tests.unit('north', 'loft'), tests.renter('north', 'rita', 'loft'), tests.renter('south', 'sam');
insert into rental.tenant_invites (owner_user_id, id, tenant_id, unit_id, email, token_hash)
values (tests.id('north'), tests.id('invite rita'), tests.id('north/rita'), tests.id('loft'), 'rita@example.test', 'h1'),
       (tests.id('south'), tests.id('invite sam'), tests.id('south/sam'), null, 'sam@example.test', 'h2');

select results_eq(
    $$ select expires_at from rental.tenant_invites where token_hash = 'h1' $$,
    $$ select now() + interval '14 days' $$,
    'an invite is good for 14 days');
select throws_ok(
    $$ insert into rental.tenant_invites (owner_user_id, tenant_id, email, token_hash)
       values (tests.id('north'), tests.id('north/rita'), 'rita@example.test', 'h3') $$,
    '23505', 'duplicate key value violates unique constraint "tenant_invites_one_open_key"',
    'a renter has one open invite');
update rental.tenant_invites set claimed_at = now() where token_hash = 'h1';
select lives_ok(
    $$ insert into rental.tenant_invites (owner_user_id, id, tenant_id, unit_id, email, token_hash)
       values (tests.id('north'), tests.id('again rita'), tests.id('north/rita'), tests.id('loft'), 'rita@example.test', 'h3') $$,
    'after a claim there may be another');
delete from rental.units where id = tests.id('loft');
select results_eq(
    $$ select owner_user_id, unit_id from rental.tenant_invites where token_hash = 'h3' $$,
    $$ select tests.id('north'), null::uuid $$,
    'an invite outlives the unit');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select token_hash from rental.tenant_invites order by 1 $$,
    $$ values ('h1'), ('h3') $$,
    'north sees the invites of north and no others');
select throws_ok(
    $$ insert into rental.tenant_invites (owner_user_id, tenant_id, email, token_hash)
       values (tests.id('south'), tests.id('south/sam'), 'sam@example.test', 'h4') $$,
    '42501', 'new row violates row-level security policy for table "tenant_invites"',
    'north invites nobody for south');
select results_eq(
    $$ update rental.tenant_invites set expires_at = '2030-01-01' where token_hash = 'h3' returning token_hash $$,
    $$ values ('h3') $$,
    'north renews an own invite');
select is_empty(
    $$ update rental.tenant_invites set expires_at = '2030-01-01' where token_hash = 'h2' returning id $$,
    'north renews no invite of south');
select throws_ok(
    $$ update rental.tenant_invites set claimed_at = now() where token_hash = 'h3' $$,
    '42501', 'permission denied for table tenant_invites',
    'a landlord claims no invite');
select is_empty(
    $$ delete from rental.tenant_invites where token_hash = 'h2' returning id $$,
    'north deletes no invite of south');

select tests.act_as('app_user', 'helper', 'north');
select is_empty(
    $$ delete from rental.tenant_invites where token_hash = 'h3' returning id $$,
    'a member below administrator deletes no invite');
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ delete from rental.tenant_invites where token_hash = 'h3' returning token_hash $$,
    $$ values ('h3') $$,
    'the landlord deletes an own invite');

select tests.act_as_admin();
delete from rental.tenants where id = tests.id('north/rita');
select results_eq(
    $$ select token_hash from rental.tenant_invites $$,
    $$ values ('h2') $$,
    'the invites of a renter go with the renter, and south''s stay');

select * from finish();
rollback;

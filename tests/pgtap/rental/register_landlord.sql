-- rental.register_landlord: a tenant under the landlord's own id, once.
begin;
select plan(14);

select tests.person('ann'), tests.person('root');
insert into rental.user_profiles (user_id, role) values (tests.id('root'), 'ADMIN');

select tests.act_as('app_user', 'ann');
select throws_ok($$ select rental.register_landlord('  ') $$, 'PT422', 'invalid', 'a landlord has a company name');
select results_eq(
    $$ select user_id, role, company_name, onboarding_step, onboarding_completed from rental.register_landlord(' Ann Homes ') $$,
    $$ values (tests.id('ann'), 'OWNER', 'Ann Homes', 'company', false) $$,
    'the profile becomes a landlord''s, at the step after the account');
select is(rental.get_user_roles(), array['OWNER'], 'the caller is a landlord at once');

select tests.act_as_admin();
select results_eq(
    $$ select id, system, name, owner_user_id from core.tenants where id = tests.id('ann') $$,
    $$ values (tests.id('ann'), 'rental', 'Ann Homes', tests.id('ann')) $$,
    'the tenant has the landlord''s id');
select results_eq(
    $$ select user_id, role_key, status from core.memberships where tenant_id = tests.id('ann') $$,
    $$ values (tests.id('ann'), 'OWNER', 'active') $$,
    'the landlord is its owner');
select lives_ok($$ select tests.act_as('app_user', 'ann', 'ann') $$, 'the landlord can enter it');
select lives_ok($$ select rental.create_unit('Loft', 'x', 'x', 'x', 'x') $$, 'and add a unit');

-- Again, later.
select lives_ok($$ select rental.complete_onboarding_step('company') $$, 'the wizard goes on');
select results_eq(
    $$ select company_name, onboarding_step from rental.register_landlord('Other Name') $$,
    $$ values ('Ann Homes', 'first_property') $$,
    'a second call changes nothing, the wizard stays where it is');
select tests.act_as_admin();
select results_eq(
    $$ select count(*), min(name) from core.tenants where owner_user_id = tests.id('ann') $$,
    $$ values (1::bigint, 'Ann Homes') $$,
    'and there is one tenant');

select tests.act_as('app_user', 'root');
select results_eq($$ select role, onboarding_step from rental.register_landlord('Root Homes') $$, $$ values ('ADMIN', 'company') $$,
    'an administrator who becomes a landlord stays an administrator');

select tests.act_as('app_user');
select throws_ok($$ select rental.register_landlord('x') $$, 'PT401', 'unauthenticated', 'nobody signed in becomes no landlord');
select tests.act_as('app_renter', 'ann');
select throws_ok($$ select rental.register_landlord('x') $$,
    '42501', 'permission denied for function register_landlord', 'the renter portal makes no landlords');
select tests.act_as_admin();
select is_empty($$ select id from core.tenants where name = 'x' $$, 'and none was made');

select * from finish();
rollback;

-- rental.complete_onboarding_step: forward, one step after the other.
begin;
select plan(26);

select tests.person('ann'), tests.person('bea'), tests.person('guest');
insert into rental.user_profiles (user_id) values (tests.id('guest'));
select tests.act_as('app_user', 'ann');
select rental.register_landlord('Ann Homes');

select throws_ok($$ select rental.complete_onboarding_step('first_property', '{}') $$, 'PT409', 'conflict', 'no step is skipped');
select is(
    (tests.error_of($$ select rental.complete_onboarding_step('first_property', '{}') $$) ->> 'hint')::jsonb,
    '{"onboarding_step": "company"}'::jsonb,
    'and the hint names the one that comes next');
select throws_ok($$ select rental.complete_onboarding_step('account') $$, 'PT409', 'conflict', 'there is no way back');
select throws_ok($$ select rental.complete_onboarding_step('done') $$, 'PT409', 'conflict', 'nor a short cut to the end');
select throws_ok($$ select rental.complete_onboarding_step(null) $$, 'PT409', 'conflict', 'no step is not a step');
select throws_ok($$ select rental.complete_onboarding_step('company', '{"company_name": " "}') $$, 'PT422', 'invalid', 'a blank name is refused');
select throws_ok($$ select rental.complete_onboarding_step('company', '{"role": "ADMIN"}') $$, 'PT422', 'invalid', 'other columns are refused');
select throws_ok($$ select rental.complete_onboarding_step('company', '[]') $$, 'PT400', 'bad_request', 'data is an object');
select results_eq(
    $$ select company_name, onboarding_step, onboarding_completed from rental.complete_onboarding_step('company', '{"company_name": "Ann & Co"}') $$,
    $$ values ('Ann & Co', 'first_property', false) $$,
    'the company step may correct the name');
select throws_ok($$ select rental.complete_onboarding_step('company') $$, 'PT409', 'conflict', 'a step is completed once');
select throws_ok($$ select rental.complete_onboarding_step('first_property', '{}') $$, 'PT422', 'invalid', 'a landlord has at least one unit');
select throws_ok($$ select rental.complete_onboarding_step('first_property', '{"name": "Loft"}') $$, '23502', null, 'described in full');
select results_eq(
    $$ select onboarding_step, onboarding_completed
         from rental.complete_onboarding_step('first_property',
             '{"name": "Loft", "address1": "1 Main Street", "city": "Springfield", "state": "OR", "postal_code": "97477"}') $$,
    $$ values ('done', true) $$,
    'the first unit completes the wizard');
select throws_ok($$ select rental.complete_onboarding_step('first_property', '{}') $$, 'PT409', 'conflict', 'after the end nothing is left');
select throws_ok($$ select rental.complete_onboarding_step('done') $$, 'PT409', 'conflict', 'not even the end');
select tests.act_as('app_user', 'ann', 'ann');
select results_eq($$ select owner_user_id, name from rental.units $$, $$ values (tests.id('ann'), 'Loft') $$, 'the unit is the landlord''s');
select results_eq($$ select name from core.tenants $$, $$ values ('Ann & Co') $$, 'the tenant has the corrected name');

-- Where a unit exists already, the step needs no data.
select tests.act_as('app_user', 'bea');
select rental.register_landlord('Bea Homes');
select rental.complete_onboarding_step('company');
select tests.act_as('app_user', 'bea', 'bea');
select rental.create_unit('Barn', 'x', 'x', 'x', 'x');
select results_eq($$ select onboarding_completed from rental.complete_onboarding_step('first_property') $$, $$ values (true) $$,
    'a unit that exists will do');
select results_eq($$ select name from rental.units $$, $$ values ('Barn') $$, 'and no other is made');

select tests.act_as('app_user', 'guest');
select throws_ok($$ select rental.complete_onboarding_step('company') $$, 'PT403', 'forbidden', 'a renter has no wizard');
select is(
    (tests.error_of($$ select rental.complete_onboarding_step('company') $$) ->> 'hint')::jsonb,
    '{"onboarding_step": "account"}'::jsonb,
    'and is told where to begin');
select tests.act_as('app_user');
select throws_ok($$ select rental.complete_onboarding_step('company') $$, 'PT401', 'unauthenticated', 'nor has nobody');

-- Who may not enter the tenant writes nothing into it: without naming the tenant, core.set_context does not ask.
select tests.act_as_admin();
select tests.person('cal');
select tests.act_as('app_user', 'cal');
select rental.register_landlord('Cal Homes');
select tests.act_as_admin();
update core.tenants set status = 'suspended' where id = tests.id('cal');
select tests.act_as('app_user', 'cal');
select throws_ok($$ select rental.complete_onboarding_step('company', '{"company_name": "Still here"}') $$, 'PT403', 'forbidden',
    'a suspended landlord completes no step');
select tests.act_as_admin();
select results_eq(
    $$ select t.name, p.onboarding_step from core.tenants as t join rental.user_profiles as p on p.user_id = t.id where t.id = tests.id('cal') $$,
    $$ values ('Cal Homes', 'company') $$,
    'and changes nothing');
update core.tenants set status = 'active', deleted_at = now() where id = tests.id('cal');
select tests.act_as('app_user', 'cal');
select throws_ok($$ select rental.complete_onboarding_step('company') $$, 'PT403', 'forbidden', 'nor does a deleted one');
select tests.act_as_admin();
update core.tenants set deleted_at = null where id = tests.id('cal');
select tests.act_as('app_user', 'cal');
select lives_ok($$ select rental.complete_onboarding_step('company') $$, 'reinstated, the landlord goes on');

select * from finish();
rollback;

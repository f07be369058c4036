-- core.change_subscription: for the webhook and the platform, within the tenant's system.
begin;
select plan(10);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.tenant('vets', 'clinic', 'vic');

select tests.act_as('app_worker');
select results_eq($$ select tier_key, status from core.change_subscription(tests.id('north'), 'PRO', 'active') $$, $$ values ('PRO', 'active') $$, 'a first subscription');
select results_eq($$ select tier_key, status from core.change_subscription(tests.id('north'), 'STARTER', 'past_due') $$, $$ values ('STARTER', 'past_due') $$, 'a changed one');
select tests.act_as('app_platform_admin');
select results_eq($$ select status, trial_ends_at from core.change_subscription(tests.id('vets'), 'CLINICA', 'trialing') $$, $$ values ('trialing', now() + interval '30 days') $$, 'a trial has an end');
reset role;
update core.subscriptions set trial_ends_at = now() + interval '3 days' where tenant_id = tests.id('vets');
set local role app_platform_admin;
select results_eq($$ select trial_ends_at from core.change_subscription(tests.id('vets'), 'EMPRESA', 'trialing') $$, $$ values (now() + interval '3 days') $$, 'that a second one does not move');
select throws_ok($$ select core.change_subscription(tests.id('nowhere'), 'PRO', 'active') $$, 'PT404', 'not_found', 'an unknown tenant is refused');
select throws_ok($$ select core.change_subscription(tests.id('north'), 'CLINICA', 'active') $$, 'PT422', 'invalid', 'a tier of another system too');
select throws_ok($$ select core.change_subscription(tests.id('north'), 'PRO', 'unpaid') $$, 'PT422', 'invalid', 'and an unknown status');
select throws_ok($$ select core.change_subscription(tests.id('north'), 'PRO', null) $$, 'PT422', 'invalid', 'or none');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.change_subscription(tests.id('north'), 'ENTERPRISE', 'active') $$, '42501', 'permission denied for function change_subscription',
    'an owner does not upgrade for free');
select results_eq($$ select tier_key, status from core.subscriptions $$, $$ values ('STARTER', 'past_due') $$, 'and sees what the webhook left');

select * from finish();
rollback;

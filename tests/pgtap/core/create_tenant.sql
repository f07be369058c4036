-- core.create_tenant: a tenant with owner, highest role and subscription, or nothing.
begin;
select plan(14);

select tests.person('ann'), tests.person('sue');

select tests.act_as('app_user');
select throws_ok($$ select core.create_tenant('crm', 'Acme', 'acme') $$, 'PT401', 'unauthenticated', 'somebody has to be signed in');

select tests.act_as('app_user', 'ann');
select set_config('tests.acme', (select id::text from core.create_tenant('crm', ' Acme ', 'acme')), true) is not null as created;
select tests.act_as_admin();
select lives_ok($$ select core.set_context(tests.id('ann'), current_setting('tests.acme')::uuid) $$, 'the founder enters at once');
select results_eq(
    $$ select name, system, slug, owner_user_id, status from core.tenants where id = current_setting('tests.acme')::uuid $$,
    $$ values ('Acme', 'crm', 'acme', tests.id('ann'), 'active') $$, 'the tenant is the founder''s');
select results_eq(
    $$ select user_id, role_key, status, joined_at from core.memberships where tenant_id = current_setting('tests.acme')::uuid $$,
    $$ values (tests.id('ann'), 'OWNER', 'active', now()) $$, 'who is its only member, in the highest role');
select results_eq(
    $$ select tier_key, status, trial_ends_at from core.subscriptions where tenant_id = current_setting('tests.acme')::uuid $$,
    $$ values ('FREE', 'active', null::timestamptz) $$, 'on the free tier');

select tests.act_as('app_user', 'sue');
select throws_ok($$ select core.create_tenant('crm', 'Acme too', 'acme') $$, 'PT409', 'conflict', 'a taken handle is refused');
select lives_ok($$ select core.create_tenant('field', 'Acme too', 'acme') $$, 'in another system it is free');
select throws_ok($$ select core.create_tenant('shop', 'x') $$, 'PT422', 'invalid', 'an unknown system is refused');
select throws_ok($$ select core.create_tenant('crm', '  ') $$, 'PT422', 'invalid', 'a tenant needs a name');

select set_config('tests.clinic', (select id::text from core.create_tenant('clinic', 'Vets')), true) is not null as created;
select is((select id from core.create_tenant('rental', 'Sue''s houses')), tests.id('sue'), 'a landlord is the tenant of itself');
select throws_ok($$ select core.create_tenant('rental', 'Sue''s other houses') $$, 'PT409', 'conflict', 'and only once');
select tests.act_as_admin();
select results_eq(
    $$ select tier_key, status, trial_ends_at from core.subscriptions where tenant_id = current_setting('tests.clinic')::uuid $$,
    $$ values ('PROFESIONAL', 'trialing', now() + interval '30 days') $$, 'where no tier is free it starts as a trial');
select is_empty($$ select from core.subscriptions where tenant_id = tests.id('sue') $$, 'a system without tiers has no subscription');
select tests.act_as('app_renter', 'sue');
select throws_ok($$ select core.create_tenant('crm', 'x') $$, '42501', 'permission denied for function create_tenant', 'a renter founds nothing');

select * from finish();
rollback;

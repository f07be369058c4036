-- core.require_feature: gates in order, the tier that has it named in the hint.
begin;
select plan(6);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
insert into core.subscriptions (tenant_id, system, tier_key, status) values (tests.id('north'), 'crm', 'STARTER', 'active'), (tests.id('south'), 'crm', 'FREE', 'active');

select tests.act_as('app_user');
select throws_ok($$ select core.require_feature('crm') $$, 'PT401', 'unauthenticated', 'signed out comes first');
select tests.act_as('app_user', 'sue');
select throws_ok($$ select core.require_feature('crm') $$, 'PT403', 'forbidden', 'then the tenant');
select tests.act_as('app_user', 'sue', 'south');
select is(tests.error_of($$ select core.require_feature('crm') $$) - 'detail',
    jsonb_build_object('code', 'PT402', 'message', 'upgrade_required', 'hint', '{"tier": "STARTER", "feature": "crm"}'),
    'FREE is told that STARTER has it');
select is((tests.error_of($$ select core.require_feature('no_such') $$) ->> 'hint')::jsonb, '{"tier": null, "feature": "no_such"}'::jsonb, 'what nobody sells names no tier');
select is(tests.error_of($$ select core.require_feature('crm') $$) ->> 'code', 'PT402', 'the refusal is repeatable');
select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select core.require_feature('crm') $$, 'STARTER passes');

select * from finish();
rollback;

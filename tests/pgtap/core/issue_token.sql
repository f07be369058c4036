-- core.issue_token: for the sign-in service; only for people and tenants that go together.
begin;
select plan(9);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

select tests.act_as('app_platform_admin');
select matches(core.issue_token(tests.id('ann'), tests.id('north')), '^[0-9a-f]{64}$', 'a token is 64 hexadecimal characters');
select isnt(core.issue_token(tests.id('ann'), tests.id('north')), core.issue_token(tests.id('ann'), tests.id('north')), 'each call issues another');
select throws_ok($$ select core.issue_token(tests.id('ann'), tests.id('south')) $$, 'PT403', 'forbidden', 'no token opens a foreign tenant');
select throws_ok($$ select core.issue_token(tests.id('nobody')) $$, 'PT401', 'unauthenticated', 'no token names an unknown person');
select throws_ok($$ select core.issue_token(tests.id('ann'), null, interval '0') $$, 'PT400', 'bad_request', 'a token must live');
select throws_ok($$ select core.issue_token(tests.id('ann'), null, interval '2 days') $$, 'PT400', 'bad_request', 'a token may not live for ever');
select lives_ok($$ select core.issue_token(tests.id('ann'), null, interval '1 day') $$, 'a token may live for a day');

select tests.act_as_admin();
update core.context_tokens set expires_at = now() - interval '25 hours' where tenant_id is not null;
select tests.act_as('app_platform_admin');
select core.issue_token(tests.id('ann')) is not null as issued;
select tests.act_as_admin();
select is((select count(*) from core.context_tokens where tenant_id is not null), 0::bigint, 'long expired tokens of the person are dropped');
select is((select count(*) from core.context_tokens), 2::bigint, 'living ones stay');

select * from finish();
rollback;

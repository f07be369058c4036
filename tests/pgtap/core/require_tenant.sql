-- core.require_tenant: the tenant that was named, or a refusal that says what to do.
begin;
select plan(5);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob'), tests.member('south', 'bob'), tests.person('new');

select tests.act_as('app_user');
select throws_ok($$ select core.require_tenant() $$, 'PT401', 'unauthenticated', 'signed out comes first');
select tests.act_as('app_user', 'new');
select is(tests.error_of($$ select core.require_tenant() $$) - 'detail', '{"code": "PT403", "message": "forbidden", "hint": "{\"onboarding\": \"create_or_join_tenant\"}"}'::jsonb,
    'a person without organization is sent to onboarding');
select tests.act_as('app_user', 'bob');
select is(tests.error_of($$ select core.require_tenant() $$) - 'detail', '{"code": "PT403", "message": "forbidden", "hint": "{\"onboarding\": \"choose_tenant\"}"}'::jsonb,
    'a member of two has to choose');
select tests.act_as('app_user', 'ann');
select throws_ok($$ select core.require_tenant() $$, 'PT403', 'forbidden', 'a member of one too: nothing is guessed');
select tests.act_as('app_user', 'bob', 'south');
select is(core.require_tenant(), tests.id('south'), 'the one that was named');

select * from finish();
rollback;

-- core.require_permission: gates in order, the permission named in the hint.
begin;
select plan(4);

select tests.tenant('north', 'crm', 'ann'), tests.member('north', 'bob', 'MEMBER');
select tests.act_as('app_user');
select throws_ok($$ select core.require_permission('team.manage') $$, 'PT401', 'unauthenticated', 'signed out comes first');
select tests.act_as('app_user', 'bob');
select throws_ok($$ select core.require_permission('team.manage') $$, 'PT403', 'forbidden', 'then the tenant');
select tests.act_as('app_user', 'bob', 'north');
select is(tests.error_of($$ select core.require_permission('team.manage') $$),
    '{"code": "PT403", "message": "forbidden", "detail": "The user''s role does not allow this.", "hint": "{\"permission\": \"team.manage\"}"}'::jsonb,
    'then the permission');
select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select core.require_permission('team.manage') $$, 'an owner passes');

select * from finish();
rollback;

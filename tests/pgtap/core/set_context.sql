-- core.set_context: only an active member of an active tenant gets in, and a refusal tells nothing.
-- Called as app_definer, who may in every isolation mode; which application roles may is in context.sql.
begin;
select plan(17);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'MEMBER'), tests.member('south', 'bob', 'MEMBER');

select tests.act_as('app_definer');
select lives_ok($$ select core.set_context(tests.id('bob'), tests.id('north')) $$, 'an active member enters');
select is(core.active_tenant_id(), tests.id('north'), 'and acts in that tenant');
select lives_ok($$ select core.set_context(tests.id('bob'), tests.id('south')) $$, 'a member of two tenants goes to the other');
select is(core.active_tenant_id(), tests.id('south'), 'and acts in that one');
select lives_ok($$ select core.set_context(tests.id('bob')) $$, 'a person may come without a tenant');
select is(core.active_tenant_id(), null, 'and never gets the first membership as a guess');

select lives_ok($$ select core.set_context(tests.id('bob'), tests.id('north'), 'request-1', '192.0.2.7') $$, 'request id and address are taken');
select results_eq(
    $$ select current_setting('app.request_id'), core.client_ip() $$,
    $$ values ('request-1', inet '192.0.2.7') $$,
    'and readable in the transaction');

-- one error for foreign and unknown
select is(
    tests.error_of($$ select core.set_context(tests.id('ann'), tests.id('south')) $$),
    '{"code": "PT403", "message": "forbidden", "detail": "The user is not an active member of this tenant.", "hint": ""}'::jsonb,
    'a foreign tenant is refused');
select is(
    tests.error_of($$ select core.set_context(tests.id('ann'), tests.id('nowhere')) $$),
    tests.error_of($$ select core.set_context(tests.id('ann'), tests.id('south')) $$),
    'an unknown tenant gives the very error of a foreign one');
select throws_ok($$ select core.set_context(tests.id('nobody'), tests.id('north')) $$, 'PT401', 'unauthenticated', 'an unknown person is refused');
select throws_ok($$ select core.set_context(null) $$, 'PT401', 'unauthenticated', 'no person at all is refused');
select throws_ok($$ select core.set_context('''; drop table core.users') $$, '22P02', null, 'text that is no uuid never reaches the context');

-- what ends a membership
select tests.act_as_admin();
update core.users set is_active = false where id = tests.id('ann');
update core.tenants set status = 'suspended' where id = tests.id('south');
select tests.member('north', 'bob', 'MEMBER', 'suspended'), tests.member('north', 'cat', 'MEMBER', 'invited');
select tests.act_as('app_definer');
select is(
    tests.error_of($$ select core.set_context(tests.id('ann')) $$),
    tests.error_of($$ select core.set_context(tests.id('nobody')) $$),
    'an inactive person gives the very error of an unknown one');
select throws_ok($$ select core.set_context(tests.id('bob'), tests.id('north')) $$, 'PT403', 'forbidden', 'a suspended member is refused');
select throws_ok($$ select core.set_context(tests.id('cat'), tests.id('north')) $$, 'PT403', 'forbidden', 'an invited person is no member yet');
select throws_ok($$ select core.set_context(tests.id('bob'), tests.id('south')) $$, 'PT403', 'forbidden', 'a suspended tenant lets nobody in');

select * from finish();
rollback;

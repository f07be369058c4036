-- core.set_context_signed: a token opens what it was issued for, while it lives and the membership does.
begin;
select plan(11);

select tests.tenant('north', 'crm', 'ann'), tests.member('north', 'bob', 'MEMBER'), tests.person('eve');

select tests.act_as('app_platform_admin');
select set_config('tests.bob', core.issue_token(tests.id('bob'), tests.id('north')), true) is not null as issued;
select set_config('tests.ann', core.issue_token(tests.id('ann'), null, interval '1 hour'), true) is not null as issued;

select tests.act_as('app_user');
select lives_ok($$ select core.set_context_signed(current_setting('tests.bob')) $$, 'the holder of a token enters');
select results_eq(
    $$ select core.current_user_id(), core.active_tenant_id() $$,
    $$ values (tests.id('bob'), tests.id('north')) $$,
    'as the person and in the tenant it was issued for');
select lives_ok($$ select core.set_context_signed(current_setting('tests.ann'), 'request-1', '192.0.2.7') $$, 'a token without tenant opens a person');
select results_eq(
    $$ select core.current_user_id(), core.active_tenant_id(), current_setting('app.request_id') $$,
    $$ values (tests.id('ann'), null::uuid, 'request-1') $$,
    'and no tenant');

select throws_ok($$ select core.set_context_signed('made up') $$, 'PT401', 'unauthenticated', 'an unknown token is refused');
select throws_ok($$ select core.set_context_signed(null) $$, 'PT401', 'unauthenticated', 'no token is refused');
select throws_ok($$ select core.issue_token(tests.id('eve')) $$, '42501', 'permission denied for function issue_token', 'an application role cannot issue tokens');

select tests.act_as_admin();
select ok(
    not exists (select from core.context_tokens as t where encode(t.token_hash, 'hex') = current_setting('tests.bob') or encode(t.token_hash, 'escape') = current_setting('tests.bob')),
    'the token itself is not stored');
update core.context_tokens set expires_at = now() - interval '1 second' where user_id = tests.id('ann');
select tests.member('north', 'bob', 'MEMBER', 'suspended');
select tests.act_as('app_user');
select throws_ok($$ select core.set_context_signed(current_setting('tests.ann')) $$, 'PT410', 'expired', 'an expired token says so');
select throws_ok($$ select core.set_context_signed(current_setting('tests.bob')) $$, 'PT403', 'forbidden', 'a token does not outlive the membership');
select tests.act_as_admin();
select tests.member('north', 'bob', 'MEMBER');
select tests.act_as('app_user');
select lives_ok($$ select core.set_context_signed(current_setting('tests.bob')) $$, 'and works again when the membership does');

select * from finish();
rollback;

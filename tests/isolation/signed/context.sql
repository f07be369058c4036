-- Context, mode signed: only a token opens a context. Run on a database built with [core] isolation = "signed".
begin;
select plan(13);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.act_as('app_platform_admin');
select set_config('tests.ann', core.issue_token(tests.id('ann'), tests.id('north')), true) is not null as issued;

select throws_ok(format($$ set local role %I; select core.set_context(tests.id('ann'), tests.id('north')) $$, role),
    '42501', 'permission denied for function set_context', role || ' cannot claim a person')
  from unnest(array['app_user', 'app_renter', 'app_readonly', 'app_anon']) as role;
select tests.act_as('app_user');
select throws_ok($$ select core.issue_token(tests.id('sue'), tests.id('south')) $$, '42501', 'permission denied for function issue_token', 'nor issue a token');
select throws_ok($$ select core.set_context_signed(repeat('0', 64)) $$, 'PT401', 'unauthenticated', 'a made-up token is refused');
select is(core.active_tenant_id(), null, 'and opens nothing');
select lives_ok($$ select core.set_context_signed(current_setting('tests.ann')) $$, 'the holder of a token enters');
select results_eq($$ select name from core.tenants $$, $$ values ('north') $$, 'and sees the tenant it was issued for');
select set_config('app.tenant_id', tests.id('south')::text, true);
select is(core.active_tenant_id(), null, 'another tenant under the same seal opens nothing');
select set_config('app.tenant_id', tests.id('north')::text, true);
select is(core.active_tenant_id(), tests.id('north'), 'the sealed one put back opens it again');
select set_config('app.user_id', tests.id('sue')::text, true);
select is(core.current_user_id(), null, 'another person under the same seal is nobody');
select is(core.current_tenant_id(), null, 'in no tenant');

select * from finish();
rollback;

-- Context, mode trusted: set_context checks, the settings are believed afterwards. Run on a database built with [core] isolation = "trusted".
begin;
select plan(14);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

select tests.act_as('app_user');
select is(core.active_tenant_id(), null, 'without context there is no tenant');
select is_empty($$ select from core.tenants $$, 'and no row');
select lives_ok($$ select core.set_context(tests.id('ann'), tests.id('north')) $$, 'a member enters');
select results_eq($$ select name from core.tenants $$, $$ values ('north') $$, 'and sees the own tenant');
select is(core.current_tenant_id(), tests.id('north'), 'current_tenant_id is the same tenant');
select throws_ok($$ select core.set_context(tests.id('ann'), tests.id('south')) $$, 'PT403', 'forbidden', 'the membership is checked');

-- the promise of this mode is smaller: a hand-written setting is believed
select set_config('app.tenant_id', tests.id('south')::text, true);
select is(core.active_tenant_id(), tests.id('south'), 'a setting written by hand is believed in this mode');

select lives_ok(
    format($$ select set_config('app.user_id', %1$L, true), set_config('app.tenant_id', %1$L, true), core.active_tenant_id(), core.current_user_id() $$, garbage),
    'garbage never raises: ' || quote_literal(left(garbage, 40)))
  from unnest(array['nobody', repeat('x', 36), '''; drop', '{00000000-0000-0000-0000-000000000000}']) as garbage;
select is(core.active_tenant_id(), null, 'and is nobody');
select core.clear_context();
select is(core.active_tenant_id(), null, 'clear_context forgets');
select tests.act_as_admin();
select is(current_setting('app.seal', true), '', 'no seal is made');

select * from finish();
rollback;

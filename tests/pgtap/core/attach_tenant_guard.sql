-- core.attach_tenant_guard: installed once or twice, by the owner of the tables.
begin;
select plan(6);

select tests.widgets();
drop trigger _100_tenant_immutable on core.widgets;
select is(core.tenant_column('core.widgets'), null, 'before, the table declares no tenant column');
select tests.act_as('app_owner');
select lives_ok($$ select core.attach_tenant_guard('core.widgets', 'tenant_id') $$, 'the owner attaches the guard');
select is(core.tenant_column('core.widgets'), 'tenant_id', 'which declares it');
select lives_ok($$ select core.attach_tenant_guard('core.widgets', 'tenant_id') $$, 'attaching again is no error');
select throws_ok($$ select core.attach_tenant_guard('core.widgets', 'no_such') $$, '42703', null, 'a guard needs its column');
select tests.act_as('app_user');
select throws_ok($$ select core.attach_tenant_guard('core.widgets', 'tenant_id') $$, '42501', 'permission denied for function attach_tenant_guard', 'an application role attaches nothing');

select * from finish();
rollback;

-- core.my_tenant_ids: where the current person can go now.
begin;
select plan(5);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.tenant('west', 'crm', 'sue'), tests.tenant('east', 'crm', 'sue'), tests.tenant('gone', 'crm', 'sue');
select tests.member('north', 'bob'), tests.member('south', 'bob'), tests.member('west', 'bob', 'MEMBER', 'invited'),
       tests.member('east', 'bob', 'MEMBER', 'suspended'), tests.member('gone', 'bob');
update core.tenants set deleted_at = now() where id = tests.id('gone');

select tests.act_as('app_user');
select is(core.my_tenant_ids(), '{}'::uuid[], 'nobody goes nowhere');
select tests.act_as('app_user', 'bob');
select is(core.my_tenant_ids(), array[tests.id('north'), tests.id('south')], 'bob can enter two, by name, not where he is only invited, suspended, or the tenant is deleted');
select tests.act_as('app_user', 'bob', 'south');
select is(core.my_tenant_ids(), array[tests.id('north'), tests.id('south')], 'wherever he is');
select tests.act_as_admin();
update core.tenants set status = 'suspended' where id = tests.id('north');
select tests.act_as('app_user', 'bob');
select is(core.my_tenant_ids(), array[tests.id('south')], 'not where the tenant is suspended');
select tests.act_as('app_user', 'ann');
select is(core.my_tenant_ids(), '{}'::uuid[], 'its owner has nowhere to go either');

select * from finish();
rollback;

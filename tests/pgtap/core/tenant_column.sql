-- core.tenant_column: what the guard trigger declares.
begin;
select plan(5);

select tests.widgets();
select tests.act_as('app_user');
select is(core.tenant_column('core.widgets'), 'tenant_id', 'the argument of the guard');
select is(core.tenant_column('core.tenants'), 'id', 'in the registry it is the id');
select is(core.tenant_column('core.memberships'), 'tenant_id', 'in memberships the tenant');
select is(core.tenant_column('core.users'), null, 'people belong to no tenant');
select is(core.tenant_column(null), null, 'no table has none');

select * from finish();
rollback;

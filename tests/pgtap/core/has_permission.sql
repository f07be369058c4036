-- core.has_permission: what the seeded roles allow, in the active tenant.
begin;
select plan(8);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'MEMBER'), tests.member('south', 'bob', 'ADMIN');

select tests.act_as('app_user', 'bob', 'north');
select is(core.has_permission('contacts:write'), true, 'a member writes contacts');
select is(core.has_permission('team.manage'), false, 'and does not manage the team');
select tests.act_as('app_user', 'bob', 'south');
select is(core.has_permission('team.manage'), true, 'where bob is an admin he does');
select is(core.has_permission('tenant.delete'), false, 'but does not delete the tenant');
select is(core.has_permission('no.such'), false, 'an unknown permission nobody has');
select tests.act_as('app_user', 'bob');
select is(core.has_permission('contacts:write'), false, 'without a tenant there is no permission');
select tests.act_as('app_user', 'bob', 'north');
reset role;
select tests.member('north', 'bob', 'MEMBER', 'removed');
set local role app_user;
select is(core.has_permission('contacts:write'), false, 'a member removed meanwhile has none from the next statement on');
select tests.act_as('app_user', 'sue', 'south');
select is(core.has_permission('tenant.delete'), true, 'the owner deletes the tenant');

select * from finish();
rollback;

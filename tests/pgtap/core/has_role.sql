-- core.has_role: rank in the active tenant's own system.
begin;
select plan(8);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'field', 'sue');
select tests.member('north', 'bob', 'MEMBER'), tests.member('south', 'bob', 'dispatcher');

select tests.act_as('app_user', 'bob', 'north');
select is(core.has_role('MEMBER'), true, 'the own role');
select is(core.has_role('VIEWER'), true, 'a lower one');
select is(core.has_role('ADMIN'), false, 'no higher one');
select is(core.has_role('dispatcher'), false, 'no role of another system');
select tests.act_as('app_user', 'bob', 'south');
select is(core.has_role('member'), true, 'in south bob ranks by his role there');
select is(core.has_role('admin'), false, 'and no higher');
select tests.act_as('app_user', 'bob');
select is(core.has_role('VIEWER'), false, 'without a tenant there is no role');
select tests.act_as('app_user', 'bob', 'north');
reset role;
select tests.member('north', 'bob', 'MEMBER', 'suspended');
set local role app_user;
select is(core.has_role('VIEWER'), false, 'a member suspended meanwhile has none from the next statement on');

select * from finish();
rollback;

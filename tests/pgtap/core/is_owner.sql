-- core.is_owner: who the registry names, and who holds the highest role.
begin;
select plan(7);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'clinic', 'sue');
select tests.member('north', 'olga', 'OWNER'), tests.member('north', 'adam', 'ADMIN'), tests.member('north', 'otto', 'OWNER', 'suspended');

select tests.act_as('app_user', 'ann');
select is(core.is_owner(tests.id('north')), true, 'the registered owner');
select is(core.is_owner(tests.id('south')), false, 'of the own tenant only');
select tests.act_as('app_user', 'olga');
select is(core.is_owner(tests.id('north')), true, 'a member with the highest role');
select tests.act_as('app_user', 'adam');
select is(core.is_owner(tests.id('north')), false, 'no other role');
select tests.act_as('app_user', 'otto');
select is(core.is_owner(tests.id('north')), false, 'no suspended member');
select tests.act_as('app_user', 'sue', 'south');
select is(core.is_owner(tests.id('south')), true, 'in clinic the admin');
select tests.act_as('app_user');
select is(core.is_owner(tests.id('north')), false, 'nobody owns nothing');

select * from finish();
rollback;

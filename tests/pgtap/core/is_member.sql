-- core.is_member: active members only, and nothing about others.
begin;
select plan(7);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob'), tests.member('south', 'bob', 'MEMBER', 'suspended');

select tests.act_as('app_user', 'bob');
select is(core.is_member(tests.id('north')), true, 'an active member');
select is(core.is_member(tests.id('south')), false, 'a suspended one is none');
select is(core.is_member(tests.id('nowhere')), false, 'of a tenant that does not exist nobody is');
select is(core.is_member(null), false, 'nor of no tenant');
select tests.act_as('app_user', 'ann');
select is(core.is_member(tests.id('south')), false, 'nor a stranger of another');
select is(core.is_member(tests.id('north')), true, 'the owner is a member');
select tests.act_as('app_user');
select is(core.is_member(tests.id('north')), false, 'nobody is a member');

select * from finish();
rollback;

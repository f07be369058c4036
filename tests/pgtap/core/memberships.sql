-- core.memberships: who may invite and change whom. Nobody grants above their own rank, nobody joins unasked.
begin;
select plan(37);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'adam', 'ADMIN'), tests.member('north', 'amy', 'ADMIN'), tests.member('north', 'bob', 'MEMBER'),
       tests.member('south', 'bob', 'VIEWER'), tests.member('north', 'olga', 'OWNER'), tests.person('new'), tests.person('newer');

-- read
select tests.act_as('app_user', 'bob', 'north');
select results_eq(
    $$ select u.name, m.role_key from core.memberships as m left join core.users as u on u.id = m.user_id where m.tenant_id = tests.id('north') order by 1 $$,
    $$ values ('adam', 'ADMIN'), ('amy', 'ADMIN'), ('ann', 'OWNER'), ('bob', 'MEMBER'), ('olga', 'OWNER') $$,
    'bob sees his fellows in north');
select results_eq(
    $$ select user_id, role_key from core.memberships where tenant_id = tests.id('south') $$,
    $$ values (tests.id('bob'), 'VIEWER') $$,
    'of south only that he belongs there');
select tests.act_as('app_user');
select is_empty($$ select from core.memberships $$, 'without context no membership is visible');

-- a blind update, with nothing to change
select tests.act_as('app_user', 'olga', 'north');
select lives_ok($$ update core.memberships set status = 'active' $$, 'an update that asks for no row reaches the active tenant only');

-- invite
select tests.act_as('app_user', 'adam', 'north');
select lives_ok($$ insert into core.memberships (tenant_id, user_id, role_key) values (tests.id('north'), tests.id('new'), 'MEMBER') $$, 'an admin invites a member');
select results_eq(
    $$ select status, invited_by, joined_at from core.memberships where user_id = tests.id('new') $$,
    $$ values ('invited', tests.id('adam'), null::timestamptz) $$,
    'who is invited, not yet active');
select lives_ok($$ insert into core.memberships (tenant_id, user_id, role_key) values (tests.id('north'), tests.id('newer'), 'ADMIN') $$, 'an admin invites an admin');
select throws_ok(
    $$ insert into core.memberships (tenant_id, user_id, role_key) values (tests.id('north'), tests.id('sue'), 'OWNER') $$,
    'PT403', 'forbidden', 'but no owner');
select throws_ok(
    $$ insert into core.memberships (tenant_id, user_id, role_key) values (tests.id('north'), tests.id('sue'), 'KING') $$,
    'PT422', 'invalid', 'nor a role the system does not have');
select throws_ok(
    $$ insert into core.memberships (tenant_id, user_id, role_key) values (tests.id('south'), tests.id('adam'), 'MEMBER') $$,
    '42501', 'new row violates row-level security policy for table "memberships"', 'nor anybody into another tenant, himself least');
select throws_ok(
    $$ insert into core.memberships (tenant_id, user_id, role_key, status) values (tests.id('north'), tests.id('sue'), 'MEMBER', 'active') $$,
    '42501', 'permission denied for table memberships', 'nor anybody as active');
select throws_ok($$ update core.memberships set status = 'active' where user_id = tests.id('new') $$, 'PT403', 'forbidden', 'nor does he accept for somebody else');
select tests.act_as('app_user', 'bob', 'north');
select throws_ok(
    $$ insert into core.memberships (tenant_id, user_id, role_key) values (tests.id('north'), tests.id('sue'), 'VIEWER') $$,
    '42501', 'new row violates row-level security policy for table "memberships"', 'a member without team.manage invites nobody');
select tests.act_as('app_user', 'new');
select throws_ok(
    $$ insert into core.memberships (tenant_id, user_id, role_key) values (tests.id('north'), tests.id('new'), 'VIEWER') $$,
    '42501', 'new row violates row-level security policy for table "memberships"', 'a stranger cannot let himself in');

-- accept
select lives_ok($$ select core.accept_membership(tests.id('north')) $$, 'the invited person accepts');
select results_eq(
    $$ select status, joined_at from core.memberships where user_id = tests.id('new') $$,
    $$ values ('active', now()) $$,
    'and is a member from now on');
select lives_ok($$ select core.accept_membership(tests.id('north')) $$, 'accepting twice changes nothing');
select is(
    tests.error_of($$ select core.accept_membership(tests.id('south')) $$),
    tests.error_of($$ select core.accept_membership(tests.id('nowhere')) $$),
    'a tenant that did not invite looks like one that does not exist');
select throws_ok($$ select core.accept_membership(tests.id('south')) $$, 'PT404', 'not_found', 'and neither can be joined');

-- change
select tests.act_as('app_user', 'adam', 'north');
select results_eq($$ update core.memberships set role_key = 'ADMIN' where user_id = tests.id('bob') returning role_key $$, $$ values ('ADMIN') $$, 'an admin makes an admin');
select throws_ok($$ update core.memberships set role_key = 'OWNER' where user_id = tests.id('bob') $$, 'PT403', 'forbidden', 'but no owner');
select throws_ok($$ update core.memberships set role_key = 'OWNER' where user_id = tests.id('adam') $$, 'PT403', 'forbidden', 'least of himself');
select throws_ok($$ update core.memberships set role_key = 'VIEWER' where user_id = tests.id('olga') $$, 'PT403', 'forbidden', 'nor does he demote an owner');
select throws_ok($$ update core.memberships set status = 'suspended' where user_id = tests.id('olga') $$, 'PT403', 'forbidden', 'nor suspend one');
select results_eq($$ update core.memberships set status = 'suspended' where user_id = tests.id('amy') returning status $$, $$ values ('suspended') $$, 'an equal he may');
select results_eq($$ update core.memberships set status = 'active' where user_id = tests.id('amy') returning status $$, $$ values ('active') $$, 'and take back');
select results_eq($$ update core.memberships set status = 'removed' where user_id = tests.id('amy') returning status $$, $$ values ('removed') $$, 'or remove');
select throws_ok($$ update core.memberships set status = 'active' where user_id = tests.id('amy') $$, 'PT403', 'forbidden', 'who was removed must be invited again');
select is_empty($$ update core.memberships set role_key = 'VIEWER' where tenant_id = tests.id('south') returning user_id $$, 'a foreign tenant is out of reach');
select throws_ok($$ delete from core.memberships $$, '42501', 'permission denied for table memberships', 'nothing is deleted');
select tests.act_as('app_user', 'olga', 'north');
select results_eq($$ update core.memberships set role_key = 'OWNER' where user_id = tests.id('bob') returning role_key $$, $$ values ('OWNER') $$, 'an owner makes an owner');
select throws_ok($$ update core.memberships set role_key = 'ADMIN' where user_id = tests.id('ann') $$, 'PT409', 'conflict', 'the registered owner keeps the role');
select throws_ok($$ update core.memberships set status = 'removed' where user_id = tests.id('ann') $$, 'PT409', 'conflict', 'and the membership');

-- effect at once
select tests.act_as('app_user', 'adam', 'north');
select is(core.has_permission('team.manage'), true, 'adam may manage');
reset role;
update core.memberships set role_key = 'VIEWER' where user_id = tests.id('adam');
set local role app_user;
select is(core.has_permission('team.manage'), false, 'and not from the moment his role changed, in the same transaction');
select is_empty($$ update core.memberships set role_key = 'VIEWER' where user_id = tests.id('new') returning user_id $$, 'so his updates reach nothing');

-- keys
select tests.act_as_admin();
select throws_ok($$ update core.memberships set tenant_id = tests.id('south') where user_id = tests.id('new') $$, 'PT422', 'invalid',
    'a membership never moves to another tenant, even for the owner of the data');

select * from finish();
rollback;

-- core.tenants: the active tenant is visible, its managers edit its profile, and no other is reached.
begin;
select plan(24);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'MEMBER'), tests.member('north', 'adam', 'ADMIN'), tests.member('south', 'adam', 'ADMIN');

-- read
select tests.act_as('app_user', 'adam', 'north');
select results_eq($$ select name from core.tenants $$, $$ values ('north') $$, 'adam, in both tenants, sees the one he acts in');
select tests.act_as('app_user', 'adam', 'south');
select results_eq($$ select name from core.tenants $$, $$ values ('south') $$, 'and the other when he acts there');
select tests.act_as('app_user', 'adam');
select is_empty($$ select from core.tenants $$, 'without a tenant none is visible');

-- update
select tests.act_as('app_user', 'adam', 'north');
select results_eq($$ update core.tenants set name = 'North', timezone = 'Europe/Berlin' returning name $$, $$ values ('North') $$, 'an admin edits the profile');
select is_empty($$ update core.tenants set name = 'taken' where id = tests.id('south') returning id $$, 'but not of a tenant he is not acting in');
select lives_ok($$ update core.tenants set timezone = 'Europe/Rome' $$, 'an update that asks for no row');
select throws_ok($$ update core.tenants set status = 'closed' $$, '42501', 'permission denied for table tenants', 'nor its status');
select throws_ok($$ update core.tenants set owner_user_id = tests.id('adam') $$, '42501', 'permission denied for table tenants', 'nor its owner');
select throws_ok($$ update core.tenants set deleted_at = now() $$, '42501', 'permission denied for table tenants', 'nor does he delete it by hand');
select tests.act_as('app_user', 'bob', 'north');
select is_empty($$ update core.tenants set name = 'mine' returning id $$, 'a member without tenant.manage edits nothing');
select throws_ok($$ insert into core.tenants (system, name, owner_user_id) values ('crm', 'x', tests.id('bob')) $$,
    '42501', 'permission denied for table tenants', 'nobody inserts tenants by hand');
select throws_ok($$ delete from core.tenants $$, '42501', 'permission denied for table tenants', 'nobody deletes tenants by hand');
select tests.act_as_admin();
select results_eq($$ select name from core.tenants where id in (tests.id('north'), tests.id('south')) order by name $$, $$ values ('North'), ('south') $$,
    'only the permitted change was made');
select results_eq($$ select name, timezone from core.tenants where id in (tests.id('north'), tests.id('south')) order by name $$,
    $$ values ('North', 'Europe/Rome'), ('south', 'UTC') $$, 'and the blind one reached the active tenant only');

-- soft deletion
select tests.act_as('app_user', 'adam', 'north');
select throws_ok($$ select core.soft_delete('core.tenants', tests.id('north')) $$, 'PT403', 'forbidden', 'an admin cannot delete the tenant');
select tests.act_as('app_user', 'ann', 'north');
select is(core.soft_delete('core.tenants', tests.id('south')), false, 'an owner cannot delete a foreign tenant');
select is(core.soft_delete('core.tenants', tests.id('north')), true, 'an owner deletes the own one');
select is_empty($$ select from core.tenants $$, 'which is hidden at once');
select tests.act_as('app_definer');
select throws_ok($$ select core.set_context(tests.id('ann'), tests.id('north')) $$, 'PT403', 'forbidden', 'and cannot be entered again');

-- values
select tests.act_as_admin();
select throws_ok($$ insert into core.tenants (system, name, owner_user_id) values ('rental', 'x', tests.id('ann')) $$, '23514', null,
    'a landlord is the tenant of itself');
select lives_ok($$ insert into core.tenants (id, system, name, owner_user_id) values (tests.id('ann'), 'rental', 'x', tests.id('ann')) $$,
    'and then can be stored');
select throws_ok($$ insert into core.tenants (system, name, owner_user_id) values ('shop', 'x', tests.id('ann')) $$, '23514', null, 'an unknown system is refused');
select throws_ok($$ update core.tenants set id = gen_random_uuid() where id = tests.id('south') $$, 'PT422', 'invalid', 'the id never changes, even for the owner of the data');
select throws_ok($$ insert into core.tenants (system, slug, name, owner_user_id) values ('crm', 'south', 'x', tests.id('ann')) $$,
    '23505', 'duplicate key value violates unique constraint "tenants_system_slug_key"', 'a handle is unique in its system');

select * from finish();
rollback;

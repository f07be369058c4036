-- core.soft_delete and core.restore: the one way to hide a row and bring it back, in the own tenant.
begin;
select plan(32);

select tests.widgets();
select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob', 'MEMBER'), tests.member('north', 'vic', 'VIEWER');
insert into core.widgets (tenant_id, id, name)
values (tests.id('north'), tests.id('w1'), 'w1'), (tests.id('north'), tests.id('w2'), 'w2'), (tests.id('south'), tests.id('w3'), 'w3'), (tests.id('south'), tests.id('w4'), 'w4');

select tests.act_as('app_user', 'bob', 'north');
select results_eq($$ select name from core.widgets order by name $$, $$ values ('w1'), ('w2') $$, 'bob sees the rows of north');
select is(core.soft_delete('core.widgets', tests.id('w1')), true, 'and deletes one');
select results_eq($$ select name from core.widgets $$, $$ values ('w2') $$, 'which is gone');
select is_empty($$ select name from core.widgets where deleted_at is not null $$, 'even for who asks for deleted rows');
select is_empty($$ select name from core.widgets where id = tests.id('w1') $$, 'or for this very row');
select is_empty($$ update core.widgets set name = 'x' where id = tests.id('w1') returning name $$, 'or changes it');
select is(core.soft_delete('core.widgets', tests.id('w1')), false, 'deleting again does nothing');
select is(core.soft_delete('core.widgets', tests.id('nothing')), false, 'nor does deleting what never was');
select is(core.soft_delete('core.widgets', tests.id('w3')), false, 'and a foreign row looks the same');
reset role;
select results_eq(
    $$ select name, deleted_at, deleted_by, version from core.widgets order by name $$,
    $$ values ('w1', now(), tests.id('bob'), 1), ('w2', null, null, 0), ('w3', null, null, 0), ('w4', null, null, 0) $$,
    'who deleted what is recorded, and the version counts');
set local role app_user;

-- restore
select is(core.restore('core.widgets', tests.id('w1')), true, 'bob brings it back');
select results_eq($$ select name from core.widgets order by name $$, $$ values ('w1'), ('w2') $$, 'and sees it again');
select is(core.restore('core.widgets', tests.id('w1')), false, 'restoring again does nothing');
reset role;
update core.widgets set deleted_at = now() where id = tests.id('w3');
set local role app_user;
select is(core.restore('core.widgets', tests.id('w3')), false, 'a foreign row is not restored');
reset role;
select isnt((select deleted_at from core.widgets where id = tests.id('w3')), null, 'and stays as it was');
set local role app_user;

-- version
select is(tests.error_of($$ select core.soft_delete('core.widgets', tests.id('w1'), 1) $$) - 'detail',
    '{"code": "PT409", "message": "version_conflict", "hint": "{\"version\": 2}"}'::jsonb, 'a stale version is refused and the current one named');
select is(core.soft_delete('core.widgets', tests.id('w1'), 2), true, 'the current one is taken');
select is(core.soft_delete('core.widgets', tests.id('w1'), 3), false, 'a deleted row is simply absent, whatever the version');
select is(core.soft_delete('core.widgets', tests.id('w4'), 7), false, 'and a foreign row tells no version');
select is(core.soft_delete('core.widgets', tests.id('w4'), 0), false, 'nor goes when it is guessed');

-- gates
select throws_ok($$ update core.widgets set deleted_at = now() where id = tests.id('w2') $$, 'PT403', 'forbidden', 'deleting by hand is refused');
select throws_ok($$ update core.widgets set deleted_by = tests.id('ann') where id = tests.id('w2') $$, 'PT403', 'forbidden', 'and blaming somebody else');
select lives_ok($$ update core.widgets set name = 'W2' where id = tests.id('w2') $$, 'other columns are free');
select throws_ok($$ select core.soft_delete('core.users', tests.id('ann')) $$, 'PT422', 'invalid', 'a table that is not on the list is refused');
select throws_ok($$ select core.restore('core.users', tests.id('ann')) $$, 'PT422', 'invalid', 'for restoring too');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.soft_delete('core.tenants', tests.id('north'), 0) $$, 'PT400', 'bad_request', 'a table without versions takes none');
select is(core.soft_delete('core.tenants', tests.id('south')), false, 'without one it answers');
select tests.act_as('app_user', 'vic', 'north');
select throws_ok($$ select core.soft_delete('core.widgets', tests.id('w2')) $$, 'PT403', 'forbidden', 'without the permission nothing is deleted');
select throws_ok($$ select core.restore('core.widgets', tests.id('w1')) $$, 'PT403', 'forbidden', 'or restored');
select tests.act_as('app_user', 'bob');
select throws_ok($$ select core.soft_delete('core.widgets', tests.id('w2')) $$, 'PT403', 'forbidden', 'nor without a tenant');
select tests.act_as('app_user');
select throws_ok($$ select core.soft_delete('core.widgets', tests.id('w2')) $$, 'PT401', 'unauthenticated', 'nor by nobody');
select tests.act_as_admin();
select is((select deleted_at from core.widgets where id = tests.id('w2')), null, 'and the row is still there');

select * from finish();
rollback;

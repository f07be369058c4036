-- core.users: people see themselves and their fellows in the active tenant, and edit only themselves.
begin;
select plan(23);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'MEMBER'), tests.member('north', 'cat', 'MEMBER', 'invited'), tests.member('north', 'dan', 'MEMBER', 'suspended'),
       tests.member('north', 'eve', 'MEMBER', 'removed'), tests.member('south', 'bob', 'MEMBER');

-- read
select tests.act_as('app_user');
select is_empty($$ select id from core.users $$, 'without context nobody is visible');
select tests.act_as('app_user', 'bob');
select results_eq($$ select name from core.users $$, $$ values ('bob') $$, 'without a tenant a person sees only themselves');
select tests.act_as('app_user', 'bob', 'north');
select results_eq($$ select name from core.users order by name $$, $$ values ('ann'), ('bob'), ('dan') $$,
    'in north bob sees its members, not who was invited or removed, and nobody of south');
select tests.act_as('app_user', 'bob', 'south');
select results_eq($$ select name from core.users order by name $$, $$ values ('bob'), ('sue') $$, 'in south bob sees the members of south');
select tests.act_as('app_readonly', 'bob', 'north');
select results_eq($$ select name from core.users order by name $$, $$ values ('ann'), ('bob'), ('dan') $$, 'reports see the same');

-- columns
select tests.act_as('app_user', 'bob', 'north');
select throws_ok($$ select auth_subject from core.users $$, '42501', 'permission denied for table users', 'the provider''s subject is not shown');
select throws_ok($$ select platform_role from core.users $$, '42501', 'permission denied for table users', 'nor the platform role');
select lives_ok($$ select id, email, name, avatar_url, phone, is_active, created_at, updated_at from core.users $$, 'the profile is');

-- write
select results_eq(
    $$ update core.users set name = 'Bob', phone = '+491701234567' where id = tests.id('bob') returning name $$,
    $$ values ('Bob') $$, 'bob edits his profile');
select is_empty($$ update core.users set name = 'mine' where id = tests.id('ann') returning name $$, 'bob cannot edit a fellow');
select is_empty($$ update core.users set name = 'mine' where id = tests.id('sue') returning name $$, 'nor a stranger by exact id');
select throws_ok($$ update core.users set email = 'x@example.test' $$, '42501', 'permission denied for table users', 'nobody edits an address here');
select throws_ok($$ update core.users set platform_role = 'super_admin' $$, '42501', 'permission denied for table users', 'nobody promotes themselves');
select throws_ok($$ insert into core.users (email, name) values ('x@example.test', 'x') $$, '42501', 'permission denied for table users', 'nobody inserts people');
select throws_ok($$ delete from core.users $$, '42501', 'permission denied for table users', 'nobody deletes people');
select tests.act_as_admin();
select is((select name from core.users where id = tests.id('ann')), 'ann', 'ann is as she was');
select is((select name from core.users where id = tests.id('sue')), 'sue', 'and sue too');

-- values
select throws_ok(
    $$ insert into core.users (email, name) values ('ann@example.test', 'another ann') $$,
    '23505', 'duplicate key value violates unique constraint "users_email_key"', 'an address belongs to one person');
select throws_ok(
    $$ insert into core.users (email, name) values ('ANN@example.test', 'another ann') $$,
    '23514', null, 'another case of an address is refused by the domain');
select throws_ok($$ insert into core.users (email, name, platform_role) values ('x@example.test', 'x', 'root') $$, '23514', null, 'an unknown platform role is refused');
select lives_ok($$ insert into core.users (email, name, platform_role) values ('x@example.test', 'x', 'support') $$, 'a known one is stored');
select is_empty(
    $$ select attname from pg_attribute where attrelid = 'core.users'::regclass and attname like '%password%' $$, 'no password is stored');

update core.users set updated_at = '2000-01-01' where id = tests.id('ann');
select is((select updated_at from core.users where id = tests.id('ann')), now(), 'updated_at is kept by trigger');

select * from finish();
rollback;

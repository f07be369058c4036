-- core.role_permissions: reference data, the same for everybody signed in and written by nobody.
begin;
select plan(8);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

create temporary table expected on commit drop as select * from core.role_permissions;
grant select on expected to app_user, app_readonly;

select tests.act_as('app_user', 'ann', 'north');
select isnt_empty($$ select from core.role_permissions $$, 'an owner of north reads the seeded rows');
select results_eq(
    $$ select * from core.role_permissions order by system, role_key, permission_key $$,
    $$ select * from expected order by system, role_key, permission_key $$,
    'all of them');
select throws_ok(
    $$ insert into core.role_permissions (system, role_key, permission_key) values ('crm', 'VIEWER', 'team.manage') $$,
    '42501', 'permission denied for table role_permissions', 'but adds none');
select throws_ok($$ delete from core.role_permissions $$, '42501', 'permission denied for table role_permissions', 'and removes none');
select tests.act_as('app_readonly', 'sue', 'south');
select results_eq(
    $$ select * from core.role_permissions order by system, role_key, permission_key $$,
    $$ select * from expected order by system, role_key, permission_key $$,
    'a report of south reads the same rows');
select tests.act_as('app_anon');
select throws_ok($$ select from core.role_permissions $$, '42501', 'permission denied for table role_permissions', 'before sign-in nothing is read');
select tests.act_as('app_definer');
select lives_ok(
    $$ insert into core.role_permissions (system, role_key, permission_key) values ('crm', 'VIEWER', 'team.manage') $$,
    'seeds and definer functions do add rows');

select tests.act_as_admin();
select throws_ok($$ insert into core.role_permissions (system, role_key, permission_key) values ('crm', 'KING', 'team.manage') $$, '23503', null,
    'a role has to exist to be allowed something');

select * from finish();
rollback;

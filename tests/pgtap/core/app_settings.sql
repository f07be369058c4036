-- core.app_settings: closed to every application role.
begin;
select plan(11);

select tests.tenant('north', 'crm', 'ann');
insert into core.app_settings (key, description) values ('app.greeting', 'A greeting.');

select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.app_settings $$, '42501', 'permission denied for table app_settings', 'an owner cannot read it');
select throws_ok($$ insert into core.app_settings (key, description) values ('app.greeting', 'A greeting.') $$, '42501', 'permission denied for table app_settings', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.app_settings'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as role (name);

-- even a grant made by mistake opens nothing
grant select on core.app_settings to app_user;
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.app_settings $$, 'even with a grant no row is visible');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.app_settings $$, 'definer functions see the rows');

select * from finish();
rollback;

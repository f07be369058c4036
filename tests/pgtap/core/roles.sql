-- core.roles: reference data, the same for everybody signed in and written by nobody.
begin;
select plan(9);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

create temporary table expected on commit drop as select * from core.roles;
grant select on expected to app_user, app_readonly;

select tests.act_as('app_user', 'ann', 'north');
select isnt_empty($$ select from core.roles $$, 'an owner of north reads the seeded rows');
select results_eq(
    $$ select * from core.roles order by system, key $$,
    $$ select * from expected order by system, key $$,
    'all of them');
select throws_ok(
    $$ insert into core.roles (system, key, name, rank) values ('crm', 'KING', 'King', 99) $$,
    '42501', 'permission denied for table roles', 'but adds none');
select throws_ok($$ delete from core.roles $$, '42501', 'permission denied for table roles', 'and removes none');
select tests.act_as('app_readonly', 'sue', 'south');
select results_eq(
    $$ select * from core.roles order by system, key $$,
    $$ select * from expected order by system, key $$,
    'a report of south reads the same rows');
select tests.act_as('app_anon');
select throws_ok($$ select from core.roles $$, '42501', 'permission denied for table roles', 'before sign-in nothing is read');
select tests.act_as('app_definer');
select lives_ok(
    $$ insert into core.roles (system, key, name, rank) values ('crm', 'KING', 'King', 99) $$,
    'seeds and definer functions do add rows');

select tests.act_as_admin();
select results_eq(
    $$ select system, (array_agg(key order by rank desc))[1] from core.roles where is_system and key <> 'KING' group by system order by system $$,
    $$ values ('clinic', 'admin'), ('crm', 'OWNER'), ('field', 'owner'), ('realty', 'owner'), ('rental', 'OWNER') $$,
    'the highest role of each system is its founder''s');
select is_empty(
    $$ select r.system from core.roles as r group by r.system
        having count(*) filter (where exists (select from core.role_permissions as rp
                                               where rp.system = r.system and rp.role_key = r.key and rp.permission_key = 'tenant.delete')) <> 1 $$,
    'in every system exactly one role deletes the tenant');

select * from finish();
rollback;

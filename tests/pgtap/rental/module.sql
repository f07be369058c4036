-- rental as a whole: every table is guarded, every policy has the name and the roles the requirements give it.
begin;
select plan(17);

select tables_are('rental',
    array['contractor_search_results', 'contractors', 'import_batches', 'import_errors', 'tenancies', 'tenant_invites',
          'tenant_owner_quarantine', 'tenants', 'tickets', 'units', 'user_profiles'],
    'rental has its 11 tables and no other');

select is_empty(
    $$ select c.relname
         from pg_class as c
        where c.relnamespace = 'rental'::regnamespace
          and c.relkind = 'r'
          and not (c.relrowsecurity and c.relforcerowsecurity) $$,
    'row security is on and forced on every table of rental');

select results_eq(
    $$ select format('%s: %s, %s to %s', p.tablename, p.policyname, lower(p.cmd),
                       (select string_agg(r.role, ' ' order by r.role) from unnest(p.roles) as r (role))) collate "C"
         from pg_policies as p
        where p.schemaname = 'rental'
          and p.policyname not in ('system_all', 'closed')
        order by 1 $$,
    $$ select format('%s: owners_can_%s_own_%s, %s to %s', t.name, verb.word, t.name, verb.command, verb.roles) collate "C"
         from unnest(array['contractor_search_results', 'contractors', 'import_batches', 'tenancies', 'tenant_invites',
                           'tenants', 'tickets', 'units']) as t (name)
        cross join (values
            ('view', 'select', 'app_readonly app_user'),
            ('insert', 'insert', 'app_user'),
            ('update', 'update', 'app_user'),
            ('delete', 'delete', 'app_user')
        ) as verb (word, command, roles)
        union all
       values ('import_errors: owners_can_view_own_import_errors, select to app_readonly app_user'),
              ('tenancies: renters_can_view_own_tenancies, select to app_renter'),
              ('tenants: renters_can_view_own_profile, select to app_renter'),
              ('tickets: renters_can_open_tickets, insert to app_renter'),
              ('tickets: renters_can_view_own_tickets, select to app_renter'),
              ('units: renters_can_view_leased_units, select to app_renter'),
              ('user_profiles: users_can_update_own_profile, update to app_user'),
              ('user_profiles: users_can_view_own_profile, select to app_readonly app_user')
        order by 1 $$,
    'each policy has its name, its command and its roles');

select is_empty(
    $$ select p.tablename, c.command, r.role, count(*)
         from pg_policies as p
        cross join unnest(p.roles) as r (role)
        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as c (command)
        where p.schemaname = 'rental'
          and p.permissive = 'PERMISSIVE'
          and p.cmd in (c.command, 'ALL')
        group by p.tablename, c.command, r.role
       having count(*) > 1 $$,
    'no role has two permissive policies for one command, which would be OR-ed');

select is_empty(
    $$ select p.tablename, p.policyname
         from pg_policies as p
        where p.schemaname = 'rental'
          and (p.cmd in ('UPDATE', 'ALL', 'INSERT') and p.with_check is null or 'public' = any (p.roles)) $$,
    'every policy that writes checks what it writes, and none is for PUBLIC');

select is_empty(
    $$ select p.tablename, p.policyname, e.expression
         from pg_policies as p
        cross join unnest(array[p.qual, p.with_check]) as e (expression)
        where p.schemaname = 'rental'
          and p.policyname like 'owners_can_%'
          and e.expression not like '%owner_user_id = ( SELECT core.active_tenant_id() AS active_tenant_id)%' $$,
    'every owner policy compares the landlord with the sealed tenant, once per statement');
select is_empty(
    $$ select p.tablename, p.policyname, e.expression
         from pg_policies as p
        cross join unnest(array[p.qual, p.with_check]) as e (expression)
        where p.schemaname = 'rental'
          and p.policyname like 'users_can_%'
          and e.expression not like '%user_id = ( SELECT core.current_user_id() AS current_user_id)%' $$,
    'every profile policy compares the user with the sealed one, once per statement');

select is_empty(
    $$ select c.relname, r.role, p.privilege
         from pg_class as c
        cross join unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor',
                                'app_platform_admin']) as r (role)
        cross join unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) as p (privilege)
        where c.relnamespace = 'rental'::regnamespace
          and c.relkind = 'r'
          and has_table_privilege(r.role, c.oid, p.privilege) $$,
    'no application role may truncate, reference or attach triggers: row security filters none of these');

select is_empty(
    $$ select f.oid::regprocedure
         from pg_proc as f
        where f.pronamespace = 'rental'::regnamespace
          and (f.proacl is null
               or exists (select from aclexplode(f.proacl) as a where a.grantee = 0)
               or not coalesce('search_path=pg_catalog, pg_temp' = any (f.proconfig), false)
               or f.prosecdef <> (pg_get_userbyid(f.proowner) = 'app_definer')) $$,
    'no function is for PUBLIC, each has a fixed search_path, and the definers, only they, belong to app_definer');

select results_eq(
    $$ select f.oid::regprocedure::text collate "C"
         from pg_proc as f
        where f.pronamespace = 'rental'::regnamespace
          and f.prosecdef
          -- written by core.attach_audit
          and f.proname !~ '^tg_audit_'
        order by 1 $$,
    $$ select reviewed collate "C"
         from unnest(array['rental.begin_import(text,integer)', 'rental.claim_invite(text)',
                           'rental.complete_onboarding_step(text,jsonb)', 'rental.count_invite(uuid)', 'rental.expire_invites()',
                           'rental.get_user_roles(uuid)', 'rental.invite_email(uuid)', 'rental.my_tenant_row_ids()',
                           'rental.my_unit_ids()', 'rental.queue_invite(uuid,uuid)', 'rental.record_import(uuid,jsonb)', 'rental.register_landlord(text)',
                           'rental.sync_auth_user(text,text,text)']) as reviewed
        order by 1 $$,
    'the definer functions are the ones that were reviewed');

select is_empty(
    $$ select c.oid::regclass::text
         from pg_class as c
        where c.relnamespace = 'rental'::regnamespace
          and c.relkind = 'r'
          and obj_description(c.oid, 'pg_class') is null
        union all
       select f.oid::regprocedure::text
         from pg_proc as f
        where f.pronamespace = 'rental'::regnamespace
          and obj_description(f.oid, 'pg_proc') is null
        union all
       select p.polname
         from pg_policy as p
         join pg_class as c
           on c.oid = p.polrelid
        where c.relnamespace = 'rental'::regnamespace
          and obj_description(p.oid, 'pg_policy') is null $$,
    'every table, function and policy says what it is for');

-- PUBLIC, also on what comes later
set local role app_owner;
create table rental.fresh (id integer);
create function rental.fresh() returns integer language sql return 1;
reset role;
select is_empty(
    $$ select c.oid::regclass
         from pg_class as c
        cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as a
        where c.relnamespace = 'rental'::regnamespace
          and c.relkind = 'r'
          and a.grantee = 0
        union all
       select f.attrelid::regclass
         from pg_attribute as f
         join pg_class as c
           on c.oid = f.attrelid
        cross join aclexplode(f.attacl) as a
        where c.relnamespace = 'rental'::regnamespace
          and a.grantee = 0
        union all
       select null
         from pg_namespace as n
        cross join aclexplode(n.nspacl) as a
        where n.nspname = 'rental'
          and a.grantee = 0 $$,
    'PUBLIC has nothing on the schema, a table or a column');
select is_empty(
    $$ select r.role
         from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as r (role)
        where has_function_privilege(r.role, 'rental.fresh()', 'execute')
           or has_any_column_privilege(r.role, 'rental.fresh', 'select, insert, update, references') $$,
    'a new table and a new function start closed to every application role');
select ok(has_table_privilege('app_definer', 'rental.fresh', 'select, insert, update, delete'), 'and open to definer functions');

-- A login that leaked, without the id of a user: what a session can read at all, it reads empty.
select tests.landlord('north');
select tests.unit('north', 'loft'), tests.renter('north', 'rita', 'loft'), tests.tenancy('north', 'loft', 'rita', current_date),
       tests.ticket('north', 'tap', 'loft', 'rita');
create function pg_temp.rows_of(p_table regclass) returns bigint
    language plpgsql
as $fn$
declare
    v_rows bigint;
begin
    execute format('select count(*) from %s', p_table) into v_rows;
    return v_rows;
end
$fn$;
create temporary view readable as
select c.oid::regclass as name
  from pg_class as c
 where c.relnamespace in ('core'::regnamespace, 'rental'::regnamespace)
   and c.relkind in ('r', 'v', 'm', 'p')
   and has_any_column_privilege('app_login_a', c.oid, 'select')
   and c.relname not in ('cache_policies', 'features', 'job_types', 'permissions', 'rate_limit_policies', 'role_permissions', 'roles',
                         'subscription_tiers', 'tier_features');
grant select on readable to app_login_a;

set local session authorization app_login_a;
select is_empty($$ select name from readable where pg_temp.rows_of(name) > 0 $$, 'a login without a context reads no row of any tenant');
set local role app_renter;
select is_empty(
    $$ select t from unnest(array['tenants', 'units', 'tenancies', 'tickets']) as t where pg_temp.rows_of(format('rental.%I', t)) > 0 $$,
    'nor does it as a renter');
reset session authorization;
select core.set_context(tests.id('north'), tests.id('north'));
set local session authorization app_login_a;
select set_eq(
    $$ select name::text from readable where pg_temp.rows_of(name) > 0 $$,
    array['core.audit_log', 'core.memberships', 'core.outbox_events', 'core.tenants', 'core.users', 'rental.tenancies', 'rental.tenants',
          'rental.tickets', 'rental.units', 'rental.user_profiles'],
    'with the context of a landlord it reads that landlord''s');
reset session authorization;

select * from finish();
rollback;

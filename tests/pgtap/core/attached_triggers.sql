-- What every table has to have attached, by the columns it has; a table that forgot one is named.
begin;
select plan(9);

-- Tables of the installed modules, and whether a role of an application may update any column of them.
create view pg_temp.tables as
select c.oid::regclass as name,
       exists (
           select
             from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_platform_admin']) as role (name)
            where has_any_column_privilege(role.name, c.oid, 'update')) as is_editable
  from pg_class as c
 where c.relkind in ('r', 'p')
   and not c.relispartition
   and c.relnamespace in (select e.oid from pg_namespace as e where e.nspname !~ '^(pg_|information_schema$|public$|tests$|dbkit$)');
create function pg_temp.lacks(p_column text, p_function text) returns setof regclass language sql as $fn$
    select t.name
      from pg_temp.tables as t
      join pg_attribute as a on a.attrelid = t.name and a.attname = p_column and not a.attisdropped and a.attgenerated = ''
     where t.is_editable
       and not exists (select from pg_trigger as g where g.tgrelid = t.name and g.tgfoid = to_regproc(p_function) and g.tgenabled <> 'D')
$fn$;

select isnt_empty($$ select name from pg_temp.tables where is_editable $$, 'there are tables that applications change');
select is_empty($$ select pg_temp.lacks('updated_at', 'core.tg_touch_updated_at') $$, 'updated_at is touched wherever applications change rows');
select results_eq(
    $$ select t.name from pg_temp.tables as t
         join pg_attribute as a on a.attrelid = t.name and a.attname = 'updated_at'
        where not exists (select from pg_trigger as g where g.tgrelid = t.name and g.tgfoid = 'core.tg_touch_updated_at'::regproc) $$,
    $$ values ('core.rate_limits'::regclass) $$, 'and wherever functions do; the limiter''s one statement sets it by its own clock');
select is_empty($$ select pg_temp.lacks('version', 'core.tg_bump_version') $$, 'a version counts');
select is_empty(
    $$ select pg_temp.lacks(tenant_column, 'core.tg_tenant_immutable') from unnest(array['tenant_id', 'owner_user_id', 'organization_id', 'company_id', 'clinic_id']) as tenant_column $$,
    'no row moves to another tenant');
select is_empty(
    $$ select pg_temp.lacks('deleted_at', 'core.tg_soft_delete') $$, 'what is deleted softly is so by core.soft_delete');
select is_empty(
    $$ select log.name, guard.name
         from unnest(array['core.audit_log', 'core.audit_seals', 'core.audit_seal_runs']::regclass[]) as log (name),
              unnest(array['core.tg_append_only', 'core.tg_no_truncate']) as guard (name)
        where not exists (select from pg_trigger as g where g.tgrelid = log.name and g.tgfoid = to_regproc(guard.name) and g.tgenabled in ('O', 'A')) $$,
    'evidence is only ever added to');

-- A table that forgot all of them.
create table core.forgetful (tenant_id uuid, id uuid, version integer, updated_at timestamptz);
select is_empty($$ select pg_temp.lacks('version', 'core.tg_bump_version') $$, 'a table that nobody changes needs none');
grant update (version) on core.forgetful to app_user;
select results_eq(
    $$ select pg_temp.lacks(c.name, c.trigger) from (values ('updated_at', 'core.tg_touch_updated_at'), ('version', 'core.tg_bump_version'), ('tenant_id', 'core.tg_tenant_immutable')) as c (name, trigger) $$,
    array['core.forgetful', 'core.forgetful', 'core.forgetful']::regclass[], 'one that applications change is named for each');

select * from finish();
rollback;

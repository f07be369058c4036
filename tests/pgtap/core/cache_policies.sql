-- core.cache_policies as shipped, and the closed tables of the cache.
begin;
select plan(19);

select set_eq(
    $$ select name, tag, array_to_string(source_tables, ' '), varies_by from core.cache_policies where priority <> 'NEVER' $$,
    $$ values ('pricebook', 'pricebook', 'field.price_book_items', 'tenant'), ('company_settings', 'company_settings', 'field.company_settings', 'tenant'),
              ('permissions', 'permissions', 'core.memberships field.custom_roles field.team_members', 'user'),
              ('labor_rates', 'labor_rates', 'field.labor_rates', 'role'), ('service_packages', 'service_packages', 'field.service_packages', 'tenant'),
              ('customers', 'customers', 'field.customers', 'tenant'), ('equipment', 'equipment', 'field.equipment', 'tenant'),
              ('tags', 'tags', 'field.tags', 'tenant'), ('inventory', 'inventory', 'field.inventory', 'tenant'),
              ('team_members', 'team_members', 'field.team_members', 'tenant'), ('sessions', 'session', 'core.users', 'person'),
              ('user_roles', 'role', 'rental.user_profiles rental.units rental.tenants', 'person'), ('dashboard_kpis', 'kpis', 'field.company_kpis', 'tenant'),
              ('job_stats', 'job_stats', 'field.jobs', 'tenant'), ('invoice_stats', 'invoice_stats', 'field.invoices', 'tenant'),
              ('reports', 'reports', '', 'role') $$,
    'the tag of each, the tables whose change makes it stale, and for whom an entry is');
select results_eq(
    $$ select priority collate "C", name collate "C", ttl_seconds from core.cache_policies where ttl_seconds is not null order by 1, 2 $$,
    $$ values ('P0' collate "C", 'company_settings' collate "C", 86400), ('P0', 'labor_rates', 3600), ('P0', 'permissions', 900), ('P0', 'pricebook', 3600),
              ('P0', 'service_packages', 3600), ('P1', 'customers', 300), ('P1', 'equipment', 600), ('P1', 'inventory', 300), ('P1', 'sessions', 3600),
              ('P1', 'tags', 3600), ('P1', 'team_members', 900), ('P1', 'user_roles', 300), ('P2', 'dashboard_kpis', 300), ('P2', 'invoice_stats', 600),
              ('P2', 'job_stats', 300), ('P2', 'reports', 3600) $$,
    'what may be cached, and for how long');
select results_eq(
    $$ select name collate "C" from core.cache_policies where priority = 'NEVER' order by 1 $$,
    $$ values ('audit_logs' collate "C"), ('auth_tokens'), ('job_status'), ('payments'), ('schedule') $$,
    'what never');
select throws_ok($$ insert into core.cache_policies (name, priority, ttl_seconds) values ('x', 'NEVER', 60) $$, '23514', null, 'NEVER has no time');
select throws_ok($$ insert into core.cache_policies (name, priority) values ('x', 'P1') $$, '23514', null, 'the others have one');
select throws_ok($$ insert into core.cache_policies (name, priority, ttl_seconds) values ('x', 'P1', 86401) $$, '23514', null, 'of at most a day');

select is(c.relpersistence::text, 'u', c.relname || ' costs no WAL')
  from pg_class as c
 where c.oid = any ('{core.cache_entries,core.cache_invalidations,core.cache_lookups,core.cache_stats}'::regclass[])
 order by c.relname;

select tests.tenant('north', 'crm', 'ann');
select tests.act_as('app_user', 'ann', 'north');
select isnt_empty($$ select from core.cache_policies $$, 'policies are for reading');
select throws_ok($$ update core.cache_policies set is_internal = false $$, '42501', 'permission denied for table cache_policies', 'not for changing');
select core.cache_get('customers', '1'), core.cache_invalidate_tag('x');
select tests.act_as_admin();
grant select on core.cache_invalidations, core.cache_lookups, core.cache_stats to app_user;
insert into core.cache_stats (tenant_id, bucket, name) values (tests.id('north'), now(), 'customers');
select tests.act_as('app_user', 'ann', 'north');
select is_empty(format('select from core.%I', closed), 'even with a grant nobody sees ' || closed) from unnest(array['cache_invalidations', 'cache_lookups', 'cache_stats']) as closed;
select tests.act_as('app_definer');
select isnt_empty(format('select from core.%I', closed), 'definer functions see ' || closed) from unnest(array['cache_invalidations', 'cache_lookups', 'cache_stats']) as closed;
select tests.act_as('app_user', 'ann', 'north');
select is((select count(*) from core.cache_policies where is_internal), 1::bigint, 'roles are the database''s own');

select * from finish();
rollback;

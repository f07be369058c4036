-- The sixteen monitoring views: each is there, monitoring reads it, and no role of an application does.
begin;
select plan(65);

create temporary table monitoring as
select unnest(array[
    'slow_queries', 'top_queries_by_total_time', 'connection_usage', 'unused_indexes', 'duplicate_indexes', 'table_sizes', 'table_bloat', 'queue_health', 'rls_coverage',
    'cache_hit_rate', 'cron_status', 'alert_status', 'migration_status', 'long_transactions', 'blocking_locks', 'backup_status']) as name;
grant select on monitoring to public;

select is((select count(*) from monitoring), 16::bigint, 'sixteen of them');
select has_view('core', name, 'there is core.' || name) from monitoring;

select tests.tenant('north', 'crm', 'ann');
select tests.act_as('app_monitor');
-- The statistics of statements are an extension of the server; where it is not preloaded, saying so is the answer.
select ok(
    tests.error_of('select from core.' || name) is null or (name ~ 'quer' and tests.error_of('select from core.' || name) ->> 'code' = 'PT503'),
    'monitoring reads ' || name)
  from monitoring;
select tests.act_as('app_user', 'ann', 'north');
select throws_ok('select from core.' || name, '42501', 'permission denied for view ' || name, 'an owner of a tenant does not read ' || name) from monitoring;
select tests.act_as_admin();
select is_empty(
    format(
        $$ select grantee.rolname::text from pg_class as c, aclexplode(c.relacl) as acl join pg_roles as grantee on grantee.oid = acl.grantee
            where c.oid = 'core.%I'::regclass and grantee.rolname in ('app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly') $$, name),
    'nor has an application role a grant on ' || name)
  from monitoring;

select * from finish();
rollback;

-- core.hourly_metrics: closed to every application role.
begin;
select plan(12);

select tests.tenant('north', 'crm', 'ann');
insert into core.hourly_metrics (name, hour, samples, avg, p50, p95, p99) values ('response_ms', '2026-01-01 10:00+00', 1, 1, 1, 1, 1);

select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.hourly_metrics $$, '42501', 'permission denied for table hourly_metrics', 'an owner cannot read it');
select throws_ok($$ insert into core.hourly_metrics (name, hour, samples, avg, p50, p95, p99) values ('response_ms', '2026-01-01 10:00+00', 1, 1, 1, 1, 1) $$, '42501', 'permission denied for table hourly_metrics', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.hourly_metrics'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as role (name);

-- values
select throws_ok($$ insert into core.hourly_metrics (name, hour, samples, avg, p50, p95, p99) values ('response_ms', '2026-01-01 10:01+00', 1, 1, 1, 1, 1) $$, '23514', null, 'an hour begins on the hour');

-- even a grant made by mistake opens nothing
grant select on core.hourly_metrics to app_user;
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.hourly_metrics $$, 'even with a grant no row is visible');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.hourly_metrics $$, 'definer functions see the rows');

select * from finish();
rollback;

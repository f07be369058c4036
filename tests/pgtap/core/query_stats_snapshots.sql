-- core.query_stats_snapshots: closed to every application role.
begin;
select plan(11);

select tests.tenant('north', 'crm', 'ann');
insert into core.query_stats_snapshots (queryid, userid, calls, total_exec_ms, mean_exec_ms, max_exec_ms) values (1, 10, 1, 1, 1, 1);

select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.query_stats_snapshots $$, '42501', 'permission denied for table query_stats_snapshots', 'an owner cannot read it');
select throws_ok($$ insert into core.query_stats_snapshots (queryid, userid, calls, total_exec_ms, mean_exec_ms, max_exec_ms) values (1, 10, 1, 1, 1, 1) $$, '42501', 'permission denied for table query_stats_snapshots', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.query_stats_snapshots'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as role (name);

-- even a grant made by mistake opens nothing
grant select on core.query_stats_snapshots to app_user;
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.query_stats_snapshots $$, 'even with a grant no row is visible');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.query_stats_snapshots $$, 'definer functions see the rows');

select * from finish();
rollback;

-- core.rate_limits and core.rate_limit_violations: closed to every application role; the policies are for reading.
begin;
select plan(22);

select tests.tenant('north', 'crm', 'ann');
insert into core.rate_limits (policy, key, max_requests, updated_at) values ('user', 'user:x', 100, now());
insert into core.rate_limit_violations (policy, key, retry_after) values ('user', 'user:x', 1);

select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.rate_limits $$, '42501', 'permission denied for table rate_limits', 'an owner cannot read what is counted');
select throws_ok($$ delete from core.rate_limits $$, '42501', 'permission denied for table rate_limits', 'nor forget it');
select throws_ok($$ select from core.rate_limit_violations $$, '42501', 'permission denied for table rate_limit_violations', 'nor see violations');
select throws_ok($$ select nextval('core.rate_limit_refusals') $$, '42501', 'permission denied for sequence rate_limit_refusals', 'nor count');
select isnt_empty($$ select from core.rate_limit_policies $$, 'the policies are no secret');
select throws_ok($$ update core.rate_limit_policies set max_requests = 1000 $$, '42501', 'permission denied for table rate_limit_policies', 'but nobody raises the own limit');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.%I'::regclass)) as acl where acl.grantee = %L::regrole $$, closed.name, role.name),
    format('%s has no grant on %s', role.name, closed.name))
  from unnest(array['app_user', 'app_anon', 'app_worker', 'app_monitor']) as role (name), unnest(array['rate_limits', 'rate_limit_violations']) as closed (name);

-- even a grant made by mistake opens nothing
grant select on core.rate_limits, core.rate_limit_violations to app_user;
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.rate_limits $$, 'even with a grant no count is visible');
select is_empty($$ select from core.rate_limit_violations $$, 'and no violation');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.rate_limits $$, 'definer functions see the counts');
select isnt_empty($$ select from core.rate_limit_violations $$, 'and the violations');

select tests.act_as_admin();
select is(relpersistence::text, 'u', 'counts cost no WAL') from pg_class where oid = 'core.rate_limits'::regclass;
select ok('vacuum_truncate=false' = any (reloptions), 'vacuum takes no lock that requests wait for, and plans never find one page')
  from pg_class where oid = 'core.rate_limits'::regclass;
select is(relpersistence::text, 'u', 'nor does the number of refusals') from pg_class where oid = 'core.rate_limit_refusals'::regclass;
select throws_ok(
    $$ insert into core.rate_limit_policies (name, subject_kind, max_requests, window_seconds) values ('big', 'user', 1001, 60) $$,
    '23514', null, 'an exact window of more than 1,000 does not fit');

select * from finish();
rollback;

-- core.cron_jobs: monitoring reads it, nobody but owner and definer writes it.
begin;
select plan(23);

select tests.tenant('north', 'crm', 'ann');
insert into core.cron_jobs (name, schedule, command, system) values ('probe-it', '*/5 * * * *', 'select core.apply_retention_policies()', 'core');

select tests.act_as('app_monitor');
select isnt_empty($$ select from core.cron_jobs $$, 'monitoring reads it');
select throws_ok($$ delete from core.cron_jobs $$, '42501', 'permission denied for table cron_jobs', 'and writes nothing');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.cron_jobs $$, '42501', 'permission denied for table cron_jobs', 'an owner of a tenant cannot read it');
select throws_ok($$ insert into core.cron_jobs (name, schedule, command, system) values ('probe-it', '*/5 * * * *', 'select core.apply_retention_policies()', 'core') $$, '42501', 'permission denied for table cron_jobs', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.cron_jobs'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly']) as role (name);

-- what a command may be
select lives_ok(format($$ update core.cron_jobs set command = %L where name = 'probe-it' $$, command), 'accepted: ' || command)
  from unnest(array['select core.evaluate_alerts(''rls_gap'')', 'select rental.expire_invites()', 'select core.purge_jobs(interval ''30 days'')']) as command;
select is(target, 'core.purge_jobs', 'the function of a command is known') from core.cron_jobs where name = 'probe-it';
select throws_ok(format($$ update core.cron_jobs set command = %L where name = 'probe-it' $$, command), '23514', null, 'refused: ' || command)
  from unnest(array[
    'delete from core.users', 'select core.f(); select core.g()', 'select core.f() from core.users', 'select core.f(core.g())',
    'select f()', 'vacuum core.users', 'do $x$ begin end $x$']) as command;
select throws_ok($$ update core.cron_jobs set run_mode = 'bare', command = 'vacuum core.users; analyze' where name = 'probe-it' $$, '23514', null, 'a bare job is one VACUUM');
select lives_ok($$ update core.cron_jobs set run_mode = 'bare', command = 'vacuum (analyze) core.users' where name = 'probe-it' $$, 'and that is accepted');
select throws_ok($$ update core.cron_jobs set schedule = '@daily' where name = 'probe-it' $$, '23514', null, 'a schedule has five fields');

select * from finish();
rollback;

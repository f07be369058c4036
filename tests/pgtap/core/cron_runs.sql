-- core.cron_runs: monitoring reads it, nobody but owner and definer writes it.
begin;
select plan(11);

select tests.tenant('north', 'crm', 'ann');
insert into core.cron_runs (name, finished_at, ok) values ('probe-it', now(), true);

select tests.act_as('app_monitor');
select isnt_empty($$ select from core.cron_runs $$, 'monitoring reads it');
select throws_ok($$ delete from core.cron_runs $$, '42501', 'permission denied for table cron_runs', 'and writes nothing');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.cron_runs $$, '42501', 'permission denied for table cron_runs', 'an owner of a tenant cannot read it');
select throws_ok($$ insert into core.cron_runs (name, finished_at, ok) values ('probe-it', now(), true) $$, '42501', 'permission denied for table cron_runs', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.cron_runs'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly']) as role (name);

select throws_ok($$ insert into core.cron_runs (name, ok) values ('probe-it', true) $$, '23514', null, 'an end has a time');
select lives_ok($$ insert into core.cron_runs (name) values ('probe-it') $$, 'a run that goes on has neither');

select * from finish();
rollback;

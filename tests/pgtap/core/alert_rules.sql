-- core.alert_rules: monitoring reads it, nobody but owner and definer writes it.
begin;
select plan(13);

select tests.tenant('north', 'crm', 'ann');
insert into core.alert_rules (name, description, probe, threshold) values ('many', 'Many', 'core.probe_errors', 1);

select tests.act_as('app_monitor');
select isnt_empty($$ select from core.alert_rules $$, 'monitoring reads it');
select throws_ok($$ delete from core.alert_rules $$, '42501', 'permission denied for table alert_rules', 'and writes nothing');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.alert_rules $$, '42501', 'permission denied for table alert_rules', 'an owner of a tenant cannot read it');
select throws_ok($$ insert into core.alert_rules (name, description, probe, threshold) values ('many', 'Many', 'core.probe_errors', 1) $$, '42501', 'permission denied for table alert_rules', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.alert_rules'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly']) as role (name);

select throws_ok($$ update core.alert_rules set probe = 'core.apply_retention_policies' where name = 'many' $$, '23514', null, 'only a function made to be a probe can be named');
select throws_ok($$ update core.alert_rules set probe = 'core.probe_errors(1)' where name = 'many' $$, '23514', null, 'and nothing is called in a name');
select throws_ok($$ update core.alert_rules set comparator = '=' where name = 'many' $$, '23514', null, 'a condition is a limit');
select lives_ok($$ update core.alert_rules set probe = 'rental.probe_late_fees', comparator = '>=', for_minutes = 5 where name = 'many' $$, 'a module brings its own probes');

select * from finish();
rollback;

-- core.alerts: monitoring reads it, nobody but owner and definer writes it.
begin;
select plan(13);

select tests.tenant('north', 'crm', 'ann');
insert into core.alerts (rule, message) values ('high_error_count', 'many');

select tests.act_as('app_monitor');
select isnt_empty($$ select from core.alerts $$, 'monitoring reads it');
select throws_ok($$ delete from core.alerts $$, '42501', 'permission denied for table alerts', 'and writes nothing');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.alerts $$, '42501', 'permission denied for table alerts', 'an owner of a tenant cannot read it');
select throws_ok($$ insert into core.alerts (rule, message) values ('high_error_count', 'many') $$, '42501', 'permission denied for table alerts', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.alerts'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly']) as role (name);

select throws_ok($$ insert into core.alerts (rule, message) values ('high_error_count', 'again') $$, '23505', null, 'one rule has one open alert');
select throws_ok($$ update core.alerts set state = 'resolved', resolved_at = now() $$, '23514', null, 'what never fired is not resolved');
select lives_ok($$ update core.alerts set state = 'resolved', fired_at = now(), resolved_at = now() $$, 'what fired is');
select lives_ok($$ insert into core.alerts (rule, message) values ('high_error_count', 'again') $$, 'and then another can be open');

select * from finish();
rollback;

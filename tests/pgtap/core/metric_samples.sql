-- core.metric_samples: closed to every application role.
begin;
select plan(14);

select tests.tenant('north', 'crm', 'ann');
insert into core.metric_samples (name, value) values ('response_ms', 12);

select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.metric_samples $$, '42501', 'permission denied for table metric_samples', 'an owner cannot read it');
select throws_ok($$ insert into core.metric_samples (name, value) values ('response_ms', 12) $$, '42501', 'permission denied for table metric_samples', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.metric_samples'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as role (name);

-- values
select throws_ok($$ insert into core.metric_samples (name, value) values ('response_ms', 'NaN') $$, '23514', null, 'not a number is refused');
select throws_ok($$ insert into core.metric_samples (name, value) values ('response_ms', 'Infinity') $$, '23514', null, 'and so is infinity');
select throws_ok($$ insert into core.metric_samples (name, value) values ('Response ms', 1) $$, '23514', null, 'a name is snake_case');

-- even a grant made by mistake opens nothing
grant select on core.metric_samples to app_user;
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.metric_samples $$, 'even with a grant no row is visible');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.metric_samples $$, 'definer functions see the rows');

select * from finish();
rollback;

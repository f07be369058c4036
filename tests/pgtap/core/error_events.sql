-- core.error_events: closed to every application role.
begin;
select plan(13);

select tests.tenant('north', 'crm', 'ann');
insert into core.error_events (tenant_id, action, message) values (tests.id('north'), 'ticket.create', 'boom');

select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.error_events $$, '42501', 'permission denied for table error_events', 'an owner cannot read it');
select throws_ok($$ insert into core.error_events (tenant_id, action, message) values (tests.id('north'), 'ticket.create', 'boom') $$, '42501', 'permission denied for table error_events', 'nor write it');
select tests.act_as_admin();
select is_empty(
    format($$ select from aclexplode((select relacl from pg_class where oid = 'core.error_events'::regclass)) as acl where acl.grantee = %L::regrole $$, role.name),
    role.name || ' has no grant on it')
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as role (name);

-- values
select throws_ok($$ insert into core.error_events (action, message, sqlstate) values ('a', 'b', 'oops!') $$, '23514', null, 'a code has five capital letters or digits');
select throws_ok($$ insert into core.error_events (action, message, context) values ('a', 'b', '[]') $$, '23514', null, 'a context is an object');

-- even a grant made by mistake opens nothing
grant select on core.error_events to app_user;
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.error_events $$, 'even with a grant no row is visible');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.error_events $$, 'definer functions see the rows');

select * from finish();
rollback;

-- Who reads the log, and that nobody rewrites it.
begin;

select plan(27);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob', 'MEMBER');

-- ann's and sue's own memberships were recorded when they were made
select tests.act_as('app_user', 'ann', 'north');
select results_eq(
    $$ select distinct l.tenant_id, l.entity_type collate "default" from core.audit_log as l order by 2 $$,
    $$ values (tests.id('north'), 'core.memberships'), (tests.id('north'), 'core.tenants') $$,
    'ann, who holds audit.view, sees the history of north and of no other tenant');
select is_empty(
    format($$ select from core.audit_log where tenant_id = %L or entity_id = %L $$, tests.id('south'), tests.id('south')),
    'by name neither');
select tests.act_as('app_user', 'sue', 'south');
select results_eq(
    $$ select distinct l.tenant_id from core.audit_log as l $$, $$ values (tests.id('south')) $$, 'sue sees that of south');
select tests.act_as('app_user', 'bob', 'north');
select is_empty('select from core.audit_log', 'a member without audit.view sees nothing');
select tests.act_as('app_user');
select is_empty('select from core.audit_log', 'without a context nothing is seen');
select tests.act_as('app_renter');
select throws_ok('select from core.audit_log', '42501', 'permission denied for table audit_log', 'renters have no business here');

select tests.act_as('app_user', 'ann', 'north');
select throws_ok(
    $$ insert into core.audit_log (tenant_id, action, entity_type, entity_id) values (tests.id('north'), 'insert', 'a.b', '1') $$,
    '42501', 'permission denied for table audit_log', 'an application role cannot write an entry itself');
select throws_ok('update core.audit_log set action = action', '42501', 'permission denied for table audit_log', 'nor change one');
select throws_ok('delete from core.audit_log', '42501', 'permission denied for table audit_log', 'nor delete one');
select throws_ok('select from core.audit_log_default', '42501', 'permission denied for table audit_log_default', 'partitions are not reached past the policies');
select lives_ok($$ update core.tenants set name = 'North' $$, 'while what ann may change');
select is(
    (select row(l.user_id, l.old_values, l.new_values)::text from core.audit_log l where l.action = 'update' and l.entity_type = 'core.tenants'),
    row(tests.id('ann'), '{"name": "north"}'::jsonb, '{"name": "North"}'::jsonb)::text, 'is recorded under her name');

-- the owner and definer roles; act_as sets no row security aside
select tests.act_as('app_owner');
select throws_ok('update core.audit_log set action = action', '42501', 'permission denied for table audit_log', 'the owner may not update');
select throws_ok('delete from core.audit_log', '42501', 'permission denied for table audit_log', 'nor delete');
select throws_ok('truncate core.audit_log', '42501', 'permission denied for table audit_log', 'nor truncate');
select throws_ok('truncate core.audit_log_default', '42501', 'permission denied for table audit_log_default', 'nor truncate a partition');
select isnt_empty('select from core.audit_log', 'but read');
select tests.act_as('app_definer');
select throws_ok('update core.audit_log set action = action', '42501', 'permission denied for table audit_log', 'no definer function updates');
select throws_ok('delete from core.audit_log', '42501', 'permission denied for table audit_log', 'or deletes');
select lives_ok($$ insert into core.audit_log (action, entity_type, entity_id) values ('exported', 'a.b', '1') $$, 'it appends');

-- the superuser of the session has every right, and the triggers still refuse
select tests.act_as_admin();
select throws_ok('update core.audit_log set action = action', 'PT403', 'forbidden', 'triggers refuse an update to whoever has the right');
select throws_ok('delete from core.audit_log', 'PT403', 'forbidden', 'a delete');
select throws_ok('truncate core.audit_log', 'PT403', 'forbidden', 'a truncate');
select throws_ok('truncate core.audit_log_default', 'PT403', 'forbidden', 'a truncate of one partition');
select throws_ok(
    format('delete from %s', (select tableoid::regclass from core.audit_log limit 1)), 'PT403', 'forbidden', 'and a delete past the parent');
select throws_ok(
    $$ insert into core.audit_log (action, entity_type, entity_id) values ('Bulk Import', 'a.b', '1') $$,
    '23514', null, 'an action is a word');
select col_has_default('core', 'audit_log', 'db_role', 'the login is filled in');

select * from finish();
rollback;

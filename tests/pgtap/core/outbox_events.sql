-- core.outbox_events: read by the members of the tenant, written by nobody but core.emit and core.tg_outbox.
begin;
select plan(9);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'VIEWER', 'suspended');
insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id)
values (tests.id('north'), 'deals', 'CUSTOM', 'deal', '1'), (tests.id('south'), 'deals', 'CUSTOM', 'deal', '2');

select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select entity_id from core.outbox_events $$, $$ values ('1') $$, 'ann reads the events of north');
select throws_ok(
    $$ insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id) values (tests.id('north'), 'deals', 'CUSTOM', 'deal', '3') $$,
    '42501', 'permission denied for table outbox_events', 'ann writes none');
select throws_ok($$ update core.outbox_events set entity_id = '3' $$, '42501', 'permission denied for table outbox_events', 'changes none');
select throws_ok($$ delete from core.outbox_events $$, '42501', 'permission denied for table outbox_events', 'and removes none');
select tests.act_as('app_user', 'sue', 'south');
select results_eq($$ select entity_id from core.outbox_events $$, $$ values ('2') $$, 'sue reads those of south');
select tests.act_as('app_user');
select is_empty($$ select from core.outbox_events $$, 'without context there are none');
select tests.act_as_admin();
select throws_ok(
    $$ insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id) values (tests.id('north'), 'Deals', 'CUSTOM', 'deal', '1') $$,
    '23514', null, 'a channel is lower case');
select throws_ok(
    $$ insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id) values (tests.id('north'), 'deals', 'UPSERT', 'deal', '1') $$,
    '23514', null, 'an event is one of four');
select throws_ok($$ update core.outbox_events set tenant_id = tests.id('south') $$, 'PT422', 'invalid', 'an event stays with its tenant');

select * from finish();
rollback;

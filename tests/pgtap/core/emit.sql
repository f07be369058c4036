-- core.emit: an event of the active tenant, in the caller's transaction.
begin;
select plan(13);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

select tests.act_as('app_user', 'ann', 'north');
select isnt(core.emit('deals', 'CUSTOM', 'deal', '1', '{"amount": 5}'), null, 'ann emits');
select results_eq(
    $$ select tenant_id, channel, event, entity_type, entity_id, payload, published_at from core.outbox_events $$,
    $$ values (tests.id('north'), 'deals', 'CUSTOM', 'deal', '1', '{"amount": 5}'::jsonb, now()) $$,
    'into the active tenant, with what she said');
select cmp_ok(core.emit('deals', 'CUSTOM', 'deal', '2'), '>', (select min(id) from core.outbox_events), 'ids rise');
select results_eq($$ select payload from core.outbox_events where entity_id = '2' $$, $$ values ('{}'::jsonb) $$, 'a payload is not needed');
savepoint undone;
select isnt(core.emit('deals', 'CUSTOM', 'deal', '3'), null, 'what is emitted');
rollback to undone;
select is_empty($$ select from core.outbox_events where entity_id = '3' $$, 'and rolled back did not happen');

select throws_ok(format($$ select core.emit(%L, %L, %L, %L) $$, input.channel, input.event, input.type, input.id), 'PT422', 'invalid', 'refused: ' || input.what)
  from (values ('a channel in capitals', 'Deals', 'CUSTOM', 'deal', '1'), ('no channel', null, 'CUSTOM', 'deal', '1'),
               ('an unknown event', 'deals', 'UPSERT', 'deal', '1'), ('no entity', 'deals', 'CUSTOM', 'deal', null))
    as input (what, channel, event, type, id);
select tests.act_as('app_user', 'ann');
select throws_ok($$ select core.emit('deals', 'CUSTOM', 'deal', '1') $$, 'PT403', 'forbidden', 'without a tenant there is nobody to tell');
select tests.act_as('app_user');
select throws_ok($$ select core.emit('deals', 'CUSTOM', 'deal', '1') $$, 'PT401', 'unauthenticated', 'nor without a person');
select tests.act_as('app_anon');
select throws_ok($$ select core.emit('deals', 'CUSTOM', 'deal', '1') $$, '42501', 'permission denied for function emit', 'and visitors emit nothing');

select * from finish();
rollback;

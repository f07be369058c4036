-- core.read_events: the tenant's own events, in order, from where the reader stopped. What happens when transactions overlap is in
-- tests/concurrency/test_outbox.py.
begin;
select plan(15);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.act_as('app_user', 'ann', 'north');
select count(core.emit('deals', 'CUSTOM', 'deal', n::text)) from generate_series(1, 5) as n;
select count(core.emit('tasks', 'CUSTOM', 'task', n::text)) from generate_series(1, 2) as n;

-- the worker goes first: what a role may call is asked once a transaction, so a member before it would have asked for it
select tests.act_as('app_worker', 'ann', 'north');
select is((select count(*) from core.read_events('deals')), 5::bigint, 'a worker reads in the context of a tenant');
select is((select count(*) from core.read_events('rents')), 0::bigint, 'of the channel it names');
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select entity_id from core.read_events('deals') $$, $$ values ('1'), ('2'), ('3'), ('4'), ('5') $$, 'everything, in order');
select results_eq($$ select entity_id from core.read_events('deals', 0, 2) $$, $$ values ('1'), ('2') $$, 'the first two');
select results_eq(
    $$ select entity_id from core.read_events('deals', (select id from core.outbox_events where entity_id = '2' and channel = 'deals'), 2) $$,
    $$ values ('3'), ('4') $$, 'the next two');
select is_empty($$ select from core.read_events('deals', (select max(id) from core.outbox_events)) $$, 'behind the last there is nothing');
select results_eq($$ select entity_type from core.read_events('tasks', null, null) $$, $$ values ('task'), ('task') $$, 'another channel, with the usual limits');
select is_empty($$ select from core.read_events('unheard') $$, 'nothing is no error');
select is((select count(*) from core.read_events('deals', 0, 0)), 1::bigint, 'a limit below one is one');
select tests.act_as('app_user', 'sue', 'south');
select is_empty($$ select from core.read_events('deals') $$, 'sue reads none of the events of north');
select isnt(core.emit('deals', 'CUSTOM', 'deal', '6'), null, 'when she emits');
select results_eq($$ select entity_id from core.read_events('deals') $$, $$ values ('6') $$, 'she reads that');
select throws_ok($$ select from core.read_events(null) $$, 'PT422', 'invalid', 'a channel is needed');
select tests.act_as('app_user', 'sue');
select throws_ok($$ select from core.read_events('deals') $$, 'PT403', 'forbidden', 'and a tenant');
select tests.act_as('app_user');
select throws_ok($$ select from core.read_events('deals') $$, 'PT401', 'unauthenticated', 'and a person');

select * from finish();
rollback;

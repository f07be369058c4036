-- core.attach_outbox and core.tg_outbox: one event per changed row, with the columns members may read and the person who did it.
begin;
select plan(24);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.person('stranger');
select tests.widgets();

select tests.act_as('app_owner');
select lives_ok($$ select core.attach_outbox('core.widgets', 'widgets') $$, 'the owner of a table attaches the outbox');
select lives_ok($$ select core.attach_outbox('core.widgets', 'widgets') $$, 'attaching again is no error');
select tests.act_as('app_user', 'ann', 'north');
insert into core.widgets (tenant_id, id, name, size, secret) values (tests.id('north'), tests.id('w1'), 'one', 1, 'hidden');
select results_eq(
    $$ select tenant_id, channel, event, entity_type, entity_id from core.outbox_events $$,
    $$ values (tests.id('north'), 'widgets', 'INSERT', 'core.widgets', tests.id('w1')::text) $$,
    'an insert is an event');
select results_eq(
    $$ select payload -> 'user' from core.outbox_events $$,
    $$ values (jsonb_build_object('id', tests.id('ann'), 'name', 'ann', 'email', 'ann@example.test')) $$,
    'that says who did it');
select is((select payload -> 'row' ->> 'name' from core.outbox_events), 'one', 'and what the row is');
select is((select payload -> 'row' ? 'secret' from core.outbox_events), false, 'without the column nobody may read');
insert into core.widgets (tenant_id, name) select tests.id('north'), 'bulk ' || n from generate_series(1, 3) as n;
select is((select count(*) from core.outbox_events), 4::bigint, 'three rows are three events');
update core.widgets set name = 'ONE' where name = 'one';
select results_eq(
    $$ select event, payload -> 'row' ->> 'name' from core.read_events('widgets') offset 4 $$, $$ values ('UPDATE', 'ONE') $$, 'an update is one');
update core.widgets set name = 'none' where false;
select is((select count(*) from core.outbox_events), 5::bigint, 'no row, no event');
savepoint undone;
update core.widgets set name = 'two' where name = 'ONE';
rollback to undone;
select is((select count(*) from core.outbox_events), 5::bigint, 'what is rolled back leaves none');

select tests.act_as_admin();
delete from core.widgets where name = 'ONE';
select results_eq(
    $$ select event, entity_id, payload -> 'user' from core.outbox_events where event = 'DELETE' $$,
    $$ values ('DELETE', tests.id('w1')::text, 'null'::jsonb) $$,
    'a deletion is one, and nobody signed in did it');
insert into core.widgets (tenant_id, name) values (tests.id('north'), 'n'), (tests.id('south'), 's');
select results_eq(
    $$ select tenant_id from core.outbox_events where payload -> 'row' ->> 'name' in ('n', 's') order by payload -> 'row' ->> 'name' $$,
    $$ values (tests.id('north')), (tests.id('south')) $$,
    'each event goes to the tenant of its row');
select tests.act_as('app_user', 'sue', 'south');
select results_eq($$ select payload -> 'row' ->> 'name' from core.read_events('widgets') $$, $$ values ('s') $$, 'whose members alone read it');
select tests.act_as('app_definer', 'sue', 'south');
insert into core.widgets (tenant_id, name) values (tests.id('north'), 'by a stranger');
select is(
    (select payload -> 'user' from core.outbox_events where payload -> 'row' ->> 'name' = 'by a stranger'), 'null'::jsonb,
    'a person from outside is not named to the members');

select tests.act_as('app_owner');
select lives_ok($$ select core.attach_outbox('core.widgets', 'parts', '{INSERT}') $$, 'attached for inserts only');
select tests.act_as('app_user', 'ann', 'north');
update core.widgets set name = 'quiet';
select is_empty($$ select from core.outbox_events where payload -> 'row' ->> 'name' = 'quiet' $$, 'updates are not told any more');
insert into core.widgets (tenant_id, name) values (tests.id('north'), 'loud');
select results_eq($$ select payload -> 'row' ->> 'name' from core.read_events('parts') $$, $$ values ('loud') $$, 'inserts are, on the new channel');

select throws_ok($$ select core.attach_outbox('core.widgets', 'parts') $$, '42501', 'permission denied for function attach_outbox', 'an application role attaches nothing');
select tests.act_as('app_owner');
select throws_ok(format($$ select core.attach_outbox(%L, %L, %L) $$, input.relation, input.channel, input.events), 'PT422', 'invalid', 'refused: ' || input.what)
  from (values ('a channel in capitals', 'core.widgets', 'Parts', '{INSERT}'), ('no channel', 'core.widgets', null, '{INSERT}'),
               ('truncation', 'core.widgets', 'parts', '{TRUNCATE}'), ('no events', 'core.widgets', 'parts', '{}'),
               ('a table without tenant column', 'core.features', 'parts', '{INSERT}'))
    as input (what, relation, channel, events);
select is(
    (select count(*) from pg_trigger where tgrelid = 'core.widgets'::regclass and tgfoid = 'core.tg_outbox()'::regprocedure), 1::bigint,
    'and what was refused changed nothing');

select * from finish();
rollback;

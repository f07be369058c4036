-- core.purge_outbox: events older than seven days go, from every tenant; what is not published stays.
begin;
select plan(6);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id, published_at)
values (tests.id('north'), 'deals', 'CUSTOM', 'deal', 'old',         now() - interval '7 days 1 second'),
       (tests.id('south'), 'deals', 'CUSTOM', 'deal', 'old',         now() - interval '30 days'),
       (tests.id('north'), 'deals', 'CUSTOM', 'deal', 'young',       now() - interval '6 days 23 hours'),
       (tests.id('north'), 'deals', 'CUSTOM', 'deal', 'unpublished', null);

select tests.act_as('app_owner');
select is(core.purge_outbox(), 2::bigint, 'two are old enough');
select results_eq($$ select entity_id from core.outbox_events order by id $$, $$ values ('young'), ('unpublished') $$, 'the others stay');
select is(core.purge_outbox(), 0::bigint, 'a second run finds nothing');
select is(core.purge_outbox('1 day'), 1::bigint, 'a shorter time takes more');
select throws_ok($$ select core.purge_outbox('-1 day') $$, 'PT400', 'bad_request', 'a negative one is a mistake');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.purge_outbox() $$, '42501', 'permission denied for function purge_outbox', 'an application role purges nothing');

select * from finish();
rollback;

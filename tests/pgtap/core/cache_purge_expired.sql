-- core.cache_purge_expired and core.cache_stats_report: what is needed stays, hit rates add up before and after the purge.
begin;
select plan(15);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

select tests.act_as('app_user', 'ann', 'north');
select core.cache_get('customers', '1');
select core.cache_set('customers', '1', '1'), core.cache_set('customers', '2', '2');
select core.cache_get('customers', '1'), core.cache_get('customers', '1'), core.cache_get('customers', '2'), core.cache_get('equipment', '1');
select tests.act_as('app_user', 'sue', 'south');
select core.cache_get('customers', '1');
select tests.act_as('app_monitor');
select results_eq(
    $$ select name, hits, misses, hit_rate from core.cache_stats_report() where name in ('customers', 'equipment', 'tags') $$,
    $$ values ('customers', 3::bigint, 2::bigint, 0.6000), ('equipment', 0, 1, 0), ('tags', 0, 0, null) $$, 'hits / (hits + misses) over all tenants');
select is_empty($$ select from core.cache_stats_report() where name = 'payments' $$, 'what is never cached has no rate');

select tests.act_as_admin();
insert into core.cache_invalidations (tenant_id, tag) values (tests.id('north'), 'other');
update core.cache_entries set expires_at = clock_timestamp() - interval '1 second' where key = 'customers:2';
select tests.act_as('app_definer');
select is(core.cache_purge_expired(), 1, 'one has expired');
select is(core.cache_purge_expired(), 0, 'a second run finds nothing');
select is_empty($$ select from core.cache_lookups $$, 'look-ups are summed up');
select results_eq($$ select sum(hits), sum(misses) from core.cache_stats where tenant_id = tests.id('north') and name = 'customers' $$, $$ values (3::numeric, 1::numeric) $$, 'per tenant');
select tests.act_as('app_user', 'ann', 'north');
select is(core.cache_get('customers', '1'), '1', 'what is live stays');
select tests.act_as('app_monitor');
select results_eq(
    $$ select hits, misses, hit_rate from core.cache_stats_report() where name = 'customers' $$, $$ values (4::bigint, 2::bigint, 0.6667) $$, 'summed up and new look-ups make one rate');

-- Invalidations stay until no entry needs them.
select tests.act_as('app_user', 'ann', 'north');
select core.cache_get('customers', '3'), core.cache_set('customers', '3', '3');
select tests.act_as_admin();
insert into core.cache_invalidations (tenant_id, tag) values (tests.id('north'), 'customers')
on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
select tests.act_as('app_definer');
select is(core.cache_purge_expired(), 0, 'a stale entry is left alone for a while');
select tests.act_as_admin();
select isnt_empty($$ select from core.cache_invalidations where tag = 'customers' and settled_at is not null $$, 'the invalidation is seen as committed');
update core.cache_invalidations set settled_at = settled_at - interval '7 minutes';
select tests.act_as('app_definer');
select is(core.cache_purge_expired(), 2, 'then the stale entries go');
select is_empty($$ select from core.cache_invalidations where tag = 'customers' $$, 'and after them the invalidation');
select tests.act_as('app_user', 'ann', 'north');
select is(core.cache_get('customers', '1'), null, 'nothing stale comes back');
select tests.act_as_admin();
update core.cache_stats set bucket = bucket - interval '8 days' where name = 'equipment';
select tests.act_as('app_definer');
select core.cache_purge_expired();
select is_empty($$ select from core.cache_stats where name = 'equipment' $$, 'statistics stay for 7 days');
select isnt_empty($$ select from core.cache_stats where name = 'customers' $$, 'and no shorter');

select * from finish();
rollback;

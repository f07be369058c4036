-- core.cache_hit_rate: hits of all reads of the last hour.
begin;
select plan(4);

insert into core.cache_stats (tenant_id, bucket, name, hits, misses)
values (tests.id('north'), date_trunc('minute', clock_timestamp()), 'customers', 30, 5), (tests.id('south'), date_trunc('minute', clock_timestamp()), 'customers', 5, 0),
       (tests.id('north'), clock_timestamp() - interval '2 hours', 'customers', 0, 99), (tests.id('north'), date_trunc('minute', clock_timestamp()), 'tags', 0, 2);

select tests.act_as('app_monitor');
select results_eq($$ select name, hits, misses, hit_rate from core.cache_hit_rate limit 2 $$, $$ values ('customers', 35::bigint, 5::bigint, 0.8750), ('tags', 0, 2, 0) $$, 'of all tenants, of this hour, what is read most first');
select results_eq($$ select hits, hit_rate from core.cache_hit_rate where name = 'inventory' $$, $$ values (0::bigint, null::numeric) $$, 'what nobody read has no rate');
select throws_ok($$ select from core.cache_stats $$, '42501', 'permission denied for table cache_stats', 'which tenant reads what, monitoring does not learn');
select tests.act_as('app_user');
select throws_ok($$ select from core.cache_hit_rate $$, '42501', 'permission denied for view cache_hit_rate', 'the view is for monitoring');

select * from finish();
rollback;

-- core.daily_counters: members see the figures of the active tenant; only core.count_metric writes.
begin;
select plan(8);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob', 'VIEWER');
insert into core.daily_counters (tenant_id, metric, day, count)
values (tests.id('north'), 'jobs_created', '2026-01-01', 1), (tests.id('south'), 'jobs_created', '2026-01-01', 2);

select tests.act_as('app_user', 'bob', 'north');
select results_eq($$ select metric, count from core.daily_counters $$, $$ values ('jobs_created', 1::bigint) $$, 'a member sees the figures of the own tenant');
select is_empty($$ select from core.daily_counters where tenant_id = tests.id('south') $$, 'and none of another by its exact id');
select throws_ok($$ update core.daily_counters set count = 9 $$, '42501', 'permission denied for table daily_counters', 'nobody corrects a figure');
select throws_ok($$ insert into core.daily_counters (tenant_id, metric, day) values (tests.id('north'), 'x', now()) $$, '42501', 'permission denied for table daily_counters', 'nor makes one up');
select tests.act_as('app_user', 'bob');
select is_empty($$ select from core.daily_counters $$, 'without a tenant there is nothing to see');
select tests.act_as('app_readonly', 'sue', 'south');
select results_eq($$ select count from core.daily_counters $$, $$ values (2::bigint) $$, 'a report of the other tenant sees its own');
select tests.act_as_admin();
select throws_ok($$ update core.daily_counters set tenant_id = tests.id('south') where tenant_id = tests.id('north') $$, 'PT422', 'invalid', 'a figure never moves to another tenant');
select throws_ok($$ insert into core.daily_counters (tenant_id, metric, day) values (tests.id('north'), 'Jobs created', now()) $$, '23514', null, 'a metric is snake_case');

select * from finish();
rollback;

-- core.get_metrics_today: since the tenant's own midnight, not in the last 24 hours.
begin;
select plan(7);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
update core.tenants set timezone = 'Pacific/Kiritimati' where id = tests.id('north');
insert into core.daily_counters (tenant_id, metric, day, count, amount)
values (tests.id('north'), 'jobs_created',  (clock_timestamp() at time zone 'Pacific/Kiritimati')::date, 3, 0),
       (tests.id('north'), 'invoices_sent', (clock_timestamp() at time zone 'Pacific/Kiritimati')::date, 1, 9.5),
       (tests.id('north'), 'late_fees',     (clock_timestamp() at time zone 'Pacific/Kiritimati')::date - 1, 8, 0),
       (tests.id('south'), 'jobs_created',  (clock_timestamp() at time zone 'UTC')::date, 7, 0);

select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select metric, count, amount from core.get_metrics_today() $$, $$ values ('invoices_sent', 1::bigint, 9.50), ('jobs_created', 3, 0.00) $$, 'today''s figures of the own tenant; what was yesterday is over');
select tests.act_as_admin();
update core.tenants set timezone = 'Pacific/Niue' where id = tests.id('north');
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.get_metrics_today() where metric = 'jobs_created' $$, 'where it is another date, today has its own figures');
select tests.act_as('app_user', 'sue', 'south');
select results_eq($$ select metric, count from core.get_metrics_today() $$, $$ values ('jobs_created', 7::bigint) $$, 'the other tenant sees its own');
select tests.act_as('app_readonly', 'sue', 'south');
select results_eq($$ select metric, count from core.get_metrics_today() $$, $$ values ('jobs_created', 7::bigint) $$, 'and so does its report');
select tests.act_as('app_user', 'sue');
select throws_ok($$ select core.get_metrics_today() $$, 'PT403', 'forbidden', 'without a tenant there are no figures');
select tests.act_as('app_user');
select throws_ok($$ select core.get_metrics_today() $$, 'PT401', 'unauthenticated', 'nor without a person');
select tests.act_as('app_anon');
select throws_ok($$ select core.get_metrics_today() $$, '42501', 'permission denied for function get_metrics_today', 'nor for anybody');

select * from finish();
rollback;

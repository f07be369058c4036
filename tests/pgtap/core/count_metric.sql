-- core.count_metric: adds to the active tenant's day, in its own time zone.
begin;
select plan(13);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
update core.tenants set timezone = 'Pacific/Kiritimati' where id = tests.id('north');
update core.tenants set timezone = 'Pacific/Niue' where id = tests.id('south');

select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select core.count_metric('invoices_sent', 1, 99.90) $$, 'an invoice is counted');
select lives_ok($$ select core.count_metric('invoices_sent', 2, 0.10) $$, 'two more');
select lives_ok($$ select core.count_metric('jobs_created') $$, 'and a job, by itself');
select tests.act_as('app_user', 'sue', 'south');
select lives_ok($$ select core.count_metric('jobs_created', 5) $$, 'another tenant counts for itself');
select tests.act_as_admin();
select results_eq(
    $$ select tenant_id, metric, day, count, amount from core.daily_counters order by tenant_id = tests.id('south'), metric $$,
    $$ values (tests.id('north'), 'invoices_sent', (clock_timestamp() at time zone 'Pacific/Kiritimati')::date, 3::bigint, 100.00),
              (tests.id('north'), 'jobs_created',  (clock_timestamp() at time zone 'Pacific/Kiritimati')::date, 1, 0),
              (tests.id('south'), 'jobs_created',  (clock_timestamp() at time zone 'Pacific/Niue')::date, 5, 0) $$,
    'each under the date its own calendar shows');

select tests.act_as('app_user', 'ann', 'north');
savepoint undone;
select core.count_metric('jobs_created');
rollback to undone;
select results_eq($$ select count from core.get_metrics_today() where metric = 'jobs_created' $$, $$ values (1::bigint) $$, 'what is rolled back was not counted');
select throws_ok(format($$ select core.count_metric(%L, %L, %L) $$, input.metric, input.n, input.amount), 'PT400', 'bad_request', 'refused: ' || input.what)
  from (values ('no name', null, 1, 0), ('a name with spaces', 'a b', 1, 0), ('no number', 'a', null, 0), ('no amount', 'a', 1, null), ('an amount that is no number', 'a', 1, 'NaN'::numeric)) as input (what, metric, n, amount);
select tests.act_as('app_user', 'ann');
select throws_ok($$ select core.count_metric('jobs_created') $$, 'PT403', 'forbidden', 'without a tenant nothing is counted');
select tests.act_as('app_user');
select throws_ok($$ select core.count_metric('jobs_created') $$, 'PT401', 'unauthenticated', 'nor without a person');

select * from finish();
rollback;

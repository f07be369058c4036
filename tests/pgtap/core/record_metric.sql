-- core.record_metric: one finite number under one name.
begin;
select plan(17);

select tests.tenant('north', 'crm', 'ann');

select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select core.record_metric('response_ms', 12.5, '{"route": "/tickets"}') $$, 'a request is measured');
select tests.act_as('app_worker');
select lives_ok($$ select core.record_metric('db_cpu', 40) $$, 'and so is a host, of no tenant');
select tests.act_as_admin();
select results_eq($$ select name, value, labels, tenant_id from core.metric_samples order by id $$,
    $$ values ('response_ms', 12.5::double precision, '{"route": "/tickets"}'::jsonb, tests.id('north')), ('db_cpu', 40, '{}', null) $$, 'both are stored as they are');

select tests.act_as('app_user', 'ann', 'north');
select throws_ok(format($$ select core.record_metric(%L, %L, %L) $$, input.name, input.value, input.labels), 'PT400', 'bad_request', 'refused: ' || input.what)
  from (values
    ('no name', null, 1::double precision, '{}'), ('a name with spaces', 'a b', 1, '{}'), ('no value', 'a', null, '{}'), ('not a number', 'a', 'NaN', '{}'),
    ('infinity', 'a', '-Infinity', '{}'), ('more than can be added up', 'a', 1e31, '{}'), ('as little', 'a', -1e31, '{}'),
    ('labels that are a list', 'a', 1, '[]'), ('labels that are a book', 'a', 1, jsonb_build_object('x', repeat('x', 2000))::text))
    as input (what, name, value, labels);
select lives_ok($$ select core.record_metric('size', value) from unnest('{1e30,-1e30}'::double precision[]) as value $$, 'large numbers are measured');
select throws_ok(
    $$ select core.record_metric('size', 1, jsonb_build_object('x', (select jsonb_agg(n % 10) from generate_series(1, 300) as n))) $$, 'PT400', 'bad_request',
    'labels that no index takes are refused');
select tests.act_as_admin();
update core.metric_samples set created_at = created_at - interval '1 hour';
select lives_ok($$ select core.aggregate_metrics() $$, 'what is measured can be summed up');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select from core.metric_samples $$, '42501', 'permission denied for table metric_samples', 'who measures does not read');
select tests.act_as('app_anon');
select throws_ok($$ select core.record_metric('a', 1) $$, '42501', 'permission denied for function record_metric', 'nobody unknown measures');

select * from finish();
rollback;

-- core.put_queue: fair queues, weights, limits.
begin;
select plan(30);

select tests.tenant('big', 'crm', 'ann'), tests.tenant('small', 'crm', 'sue'), tests.tenant('heavy', 'crm', 'hal');
create function pg_temp.queued(p_tenant text, p_person text, p_count integer, p_queue text, p_priority integer default null) returns void language plpgsql as $fn$
begin
    perform tests.act_as('app_user', p_person, p_tenant);
    perform core.enqueue_many('send_email', array_fill(jsonb_build_object('to', p_tenant), array[p_count]), p_priority, p_queue => p_queue);
end
$fn$;
create function pg_temp.served(p_queue text, p_limit integer) returns text language plpgsql as $fn$
declare
    v_names text;
begin
    perform tests.act_as('app_worker');
    select string_agg(left(job.payload ->> 'to', 1), '' order by job.number)
      into v_names
      from core.next_jobs('w1', p_limit, p_queue) with ordinality as job (
        lease_id, id, tenant_id, queue, job_type, payload, priority, retry_count, max_retries, scheduled_at, created_at, lease_seconds, number);
    return v_names;
end
$fn$;

-- first in, first out
select pg_temp.queued('big', 'ann', 20, 'default'), pg_temp.queued('small', 'sue', 2, 'default');
select is(pg_temp.served('default', 30), repeat('b', 20) || 'ss', 'in an ordinary queue who comes late waits for all before');

-- fair
select pg_temp.queued('big', 'ann', 20, 'fair'), pg_temp.queued('small', 'sue', 3, 'fair');
select is(pg_temp.served('fair', 4), 'bsbs', 'in a fair one tenants take turns');
select pg_temp.queued('heavy', 'hal', 2, 'fair');
select is(length(replace(pg_temp.served('fair', 4), 'b', '')), 3, 'who comes later still is let in at once');
select ok(pg_temp.served('fair', 100) ~ 'b{14}$', 'the rest follows');
select pg_temp.queued('big', 'ann', 3, 'fair'), pg_temp.queued('big', 'ann', 1, 'fair', 5), pg_temp.queued('small', 'sue', 1, 'fair');
select is(pg_temp.served('fair', 2) ~ 'b', true, 'a priority counts inside a tenant');
select tests.act_as_admin();
select is((select max(job.priority) from core.job_leases as l join core.job_envelopes as e on e.id = l.id cross join unnest(e.jobs) as job where (job.payload ->> 'to') = 'big'), 1,
    'and is one of three');
select pg_temp.served('fair', 100);

-- weights
select tests.act_as('app_user', 'ann', 'big');
select throws_ok($$ select core.put_queue_weight(tests.id('big'), 100) $$, '42501', 'permission denied for function put_queue_weight', 'nobody gives weight to oneself');
select tests.act_as('app_platform_admin');
select lives_ok($$ select core.put_queue_weight(tests.id('heavy'), 3) $$, 'the platform does');
select throws_ok($$ select core.put_queue_weight(tests.id('nobody'), 3) $$, 'PT404', 'not_found', 'to tenants there are');
select throws_ok($$ select core.put_queue_weight(tests.id('heavy'), 0) $$, 'PT422', 'invalid', 'no weight is none');
select pg_temp.queued('small', 'sue', 12, 'fair'), pg_temp.queued('heavy', 'hal', 12, 'fair');
select is(length(replace(pg_temp.served('fair', 12), 's', '')), 9, 'three times the weight, three times the turns');
select pg_temp.served('fair', 100);

-- limits
select tests.act_as('app_user', 'ann', 'big');
select throws_ok($$ select core.put_queue('mine') $$, '42501', 'permission denied for function put_queue', 'nobody makes queues');
select tests.act_as('app_platform_admin');
select lives_ok($$ select core.put_queue('narrow', p_max_running => 3) $$, 'but the platform');
select lives_ok($$ select core.put_queue('narrow', p_max_running => 3) $$, 'twice is as good as once');
select throws_ok($$ select core.put_queue('No Name') $$, 'PT422', 'invalid', 'a queue has a name');
select throws_ok($$ select core.put_queue('narrow', p_max_running => 0) $$, 'PT422', 'invalid', 'a limit lets something through');
select pg_temp.queued('big', 'ann', 10, 'narrow');
select is(pg_temp.served('narrow', 2), 'bb', 'under its limit a queue gives what is asked for');
select is(pg_temp.served('narrow', 10), 'b', 'then what is left of it');
select is(pg_temp.served('narrow', 10), null, 'then nothing');
select tests.act_as('app_worker');
select tests.act_as_admin();
create temporary table held as select l.id, (select array_agg(job.id) from core.job_envelopes as e cross join unnest(e.jobs) as job where e.id = l.id) as jobs from core.job_leases as l where l.queue = 'narrow' order by l.id;
grant select on held to public;
select tests.act_as('app_worker');
select core.complete_jobs((select min(id) from held), array[(select jobs[1] from held order by id limit 1)]);
select is(pg_temp.served('narrow', 10), 'b', 'a job that is done makes room for one');
select core.release_jobs((select max(id) from held));
select is(pg_temp.served('narrow', 10), 'b', 'one that was handed back too');
select tests.act_as('app_platform_admin');
select throws_ok($$ select core.put_queue('narrow', true) $$, 'PT409', 'conflict', 'a queue in use does not change its order');
select lives_ok($$ select core.put_queue('narrow') $$, 'but its limit');
select is(pg_temp.served('narrow', 10), repeat('b', 6), 'without one all is given');

-- what a queue may be
select tests.act_as('app_user', 'ann', 'big');
select throws_ok($$ select from core.queues $$, '42501', 'permission denied for table queues', 'the tables of the queue are closed');
select tests.act_as_admin();
select lives_ok($$ select core.enqueue_for(null, 'data_cleanup', p_priority => n) from generate_series(1, 99) as n $$, 'a queue has up to 100 priorities');
select lives_ok($$ select core.enqueue_for(null, 'data_cleanup', p_priority => n) from unnest('{2147483647,100,50,-1,-2147483648}'::integer[]) as n $$, 'nobody is kept from a priority by those of others');
select is(count(*), 100::bigint, 'but there are no more lanes') from core.queue_lanes where queue = 'default';
select results_eq(
    $$ select r.priority, l.priority from core.jobs_ready as r join core.queue_lanes as l on l.id = r.lane_id where r.priority <> l.priority order by 1 $$,
    $$ values (-2147483648, 0), (-1, 0), (100, 99), (2147483647, 99) $$, 'it shares the next lower one, or the lowest');
select results_eq(
    $$ select job.priority from core.next_jobs('w1', 5) as job $$, array[99, 2147483647, 100, 98, 97], 'lanes without a mark work too');

select * from finish();
rollback;

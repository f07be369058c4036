-- core.enqueue_many, core.enqueue_batch: many jobs, all or none.
begin;
select plan(32);

select tests.tenant('north', 'crm', 'ann');
create function pg_temp.mail(p_to integer) returns jsonb language sql return jsonb_build_object('to', p_to);
create temporary table made (id uuid, number bigint);
grant all on made to public;

select tests.act_as('app_user', 'ann', 'north');
insert into made select id, number from unnest(core.enqueue_many('send_email', array(select pg_temp.mail(n) from generate_series(1, 1000) as n), 2)) with ordinality as id (id, number);
select is((select count(distinct id) from made), 1000::bigint, 'a thousand jobs have a thousand ids');
select is_empty(
    $$ select from made as m left join core.job_queue as j on j.id = m.id where (j.payload ->> 'to')::integer is distinct from m.number $$, 'in the order of the payloads');
select results_eq($$ select distinct tenant_id, job_type, priority, status, created_by from core.job_queue $$,
    $$ values (tests.id('north'), 'send_email', 2, 'pending', tests.id('ann')) $$, 'each as if queued by itself');
select tests.act_as('app_worker');
select results_eq($$ select payload ->> 'to' from core.next_jobs('w1', 4) $$, array['1', '2', '3', '4'], 'they are served in that order');

select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.enqueue_many('send_email', '{}') $$, 'PT400', 'bad_request', 'none are not many');
select throws_ok($$ select core.enqueue_many('send_email', null) $$, 'PT400', 'bad_request', 'nor is null');
select throws_ok($$ select core.enqueue_many('send_email', array_fill(pg_temp.mail(1), array[10001])) $$, 'PT400', 'bad_request', 'more than 10,000 are too many');
select throws_ok($$ select core.enqueue_many('send_email', array[array[pg_temp.mail(1)]]) $$, 'PT400', 'bad_request', 'a table of them is none');
select throws_ok($$ select core.enqueue_many('no_such_type', array[pg_temp.mail(1)]) $$, 'PT422', 'invalid', 'an unknown type is refused');
select throws_ok($$ select core.enqueue_many('send_email', array[pg_temp.mail(1), '{"cc": 1}']) $$, 'PT422', 'invalid', 'one wrong payload refuses all');
select throws_ok($$ select core.enqueue_many('send_email', array[pg_temp.mail(1), null]) $$, 'PT422', 'invalid', 'so does a missing one');
select throws_ok($$ select core.enqueue_many('send_email', array[pg_temp.mail(1), '[]']) $$, 'PT422', 'invalid', 'or one that is no object');
select throws_ok($$ select core.enqueue_many('send_email', array[pg_temp.mail(1)], p_queue => 'nowhere') $$, 'PT422', 'invalid', 'an unknown queue is refused');
select is((select count(*) from core.job_queue), 1000::bigint, 'nothing of these was queued');
select lives_ok($$ select core.enqueue_many('send_email', array[pg_temp.mail(1), pg_temp.mail(2)], p_run_at => clock_timestamp() + interval '1 hour') $$, 'many may be delayed');
select is((select count(*) from core.job_queue where scheduled_at > clock_timestamp() + interval '59 minutes'), 2::bigint, 'until their time');

select is(cardinality(core.enqueue_batch('[{"job_type": "send_sms", "payload": {"to": "+1"}, "priority": 7, "dedupe_key": "k"}, {"job_type": "data_cleanup"},
    {"job_type": "send_sms", "payload": {"to": "+2"}, "dedupe_key": "k"}, {"job_type": "send_email", "payload": {"to": "x"}, "run_at": "2999-01-01", "queue": "fair"}]')), 4, 'a batch may be of several types');
select results_eq(
    $$ select job_type, queue, priority, dedupe_key, scheduled_at > clock_timestamp() from core.job_queue where job_type <> 'send_email' or queue = 'fair' order by 1 $$,
    $$ values ('data_cleanup', 'default', 0, null, false), ('send_email', 'fair', 0, null, true), ('send_sms', 'default', 7, 'k', false) $$, 'each with its own wishes, and dedupe keys count');
select throws_ok($$ select core.enqueue_batch('[{"job_type": "data_cleanup"}, {"job_type": "no_such_type"}]') $$, 'PT422', 'invalid', 'one wrong job refuses all');
select is((select count(*) from core.job_queue where job_type = 'data_cleanup'), 1::bigint, 'none of them was queued');
select throws_ok(format($$ select core.enqueue_batch(%L) $$, input.jobs), 'PT400', 'bad_request', 'refused: ' || input.what)
  from (values ('null', null), ('an object', '{}'), ('an empty array', '[]'), ('a job that is a string', '["data_cleanup"]'),
               ('a tenant', '[{"job_type": "data_cleanup", "tenant_id": "x"}]')) as input (what, jobs);
select throws_ok($$ select core.enqueue_batch('[{"job_type": "data_cleanup", "priority": "high"}]') $$, '22P02', null, 'a priority is a number');
select throws_ok($$ select core.enqueue_batch('[{"job_type": "data_cleanup", "run_at": "infinity"}]') $$, 'PT422', 'invalid', 'a time is one of the calendar');
select throws_ok($$ select core.enqueue_many('send_alert', array['{"rule": "x", "message": "all is well"}'::jsonb]) $$, 'PT403', 'forbidden', 'no internal type by the thousand');
select throws_ok($$ select core.enqueue_many('send_alert', array['{}'::jsonb]) $$, 'PT403', 'forbidden', 'whatever its payload');
select tests.act_as('app_user', 'ann');
select throws_ok($$ select core.enqueue_batch('[{"job_type": "data_cleanup"}]') $$, 'PT403', 'forbidden', 'without a tenant there is no batch');
select throws_ok($$ select core.enqueue_many('data_cleanup', array['{}'::jsonb]) $$, 'PT403', 'forbidden', 'of neither kind');
select tests.act_as('app_worker');
select throws_ok($$ select core.enqueue_many('data_cleanup', array['{}'::jsonb]) $$, '42501', 'permission denied for function enqueue_many', 'workers queue nothing');

select * from finish();
rollback;

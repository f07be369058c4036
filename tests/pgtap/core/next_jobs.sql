-- core.next_jobs: order, types, leases, completion and claim in one call.
begin;
select plan(36);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
create temporary table taken (round integer, place bigint, lease_id bigint, id uuid, payload jsonb, lease_seconds integer) on commit drop;
grant all on taken to public;

create function pg_temp.n(p_name text) returns jsonb language sql return jsonb_build_object('to', p_name);
create function pg_temp.take(p_round integer, p_limit integer, p_queue text default 'default', p_types text[] default null) returns void
    language sql
begin atomic
    insert into taken (round, place, lease_id, id, payload, lease_seconds)
    select p_round, job.number, job.lease_id, job.id, job.payload, job.lease_seconds
      from core.next_jobs('w1', p_limit, p_queue, p_types) with ordinality as job (
        lease_id, id, tenant_id, queue, job_type, payload, priority, retry_count, max_retries, scheduled_at, created_at, lease_seconds, number);
end;

select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('send_email', pg_temp.n('first')),
       core.enqueue('send_email', pg_temp.n('second')),
       core.enqueue('send_email', pg_temp.n('urgent'), p_priority => 5),
       core.enqueue('send_email', pg_temp.n('idle'), p_priority => -5),
       core.enqueue('send_email', pg_temp.n('overdue'), p_run_at => clock_timestamp() - interval '1 day'),
       core.enqueue('send_email', pg_temp.n('future'), p_run_at => clock_timestamp() + interval '1 hour');
select tests.act_as('app_user', 'sue', 'south');
select core.enqueue('send_sms', pg_temp.n('third'));

select tests.act_as('app_worker');
select pg_temp.take(1, 3);
select results_eq($$ select payload ->> 'to' from taken where round = 1 order by place $$, array['urgent', 'overdue', 'first'],
    'the highest priority comes first, then what has been due longest');
select is((select count(distinct lease_id) from taken where round = 1), 1::bigint, 'a batch has one lease');
select pg_temp.take(2, 10, p_types => '{send_sms}');
select results_eq($$ select payload ->> 'to' from taken where round = 2 $$, array['third'], 'a worker may ask for types');
select pg_temp.take(3, 10);
select results_eq($$ select payload ->> 'to' from taken where round = 3 order by place $$, array['second', 'idle'],
    'nobody gets a job twice, nor one that is not due');
select is_empty($$ select from core.next_jobs('w1') $$, 'then there is nothing left');

select tests.act_as_admin();
select results_eq(
    $$ select payload ->> 'to', status, locked_by, started_at is not null, lease_expires_at > clock_timestamp() + interval '50 seconds'
         from core.job_queue where locked_by is not null and payload ->> 'to' = 'first' $$,
    $$ values ('first', 'processing', 'w1', true, true) $$, 'a claimed job is processing, by whom and until when');
select is((select count(*) from core.job_queue where status = 'processing'), 6::bigint, 'as are the others');

-- complete and claim in one
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('send_email', pg_temp.n('fourth'));
select tests.act_as('app_worker');
insert into taken (round, lease_id, id, payload) select 4, j.lease_id, j.id, j.payload from core.next_jobs('w1', 10, p_lease => (select max(lease_id) from taken where round = 1)) as j;
select results_eq($$ select payload ->> 'to' from taken where round = 4 $$, array['fourth'], 'one call completes a batch and claims the next');
select tests.act_as_admin();
select results_eq(
    $$ select payload ->> 'to', status, completed_at >= started_at, locked_by from core.job_queue where status = 'completed' order by 1 $$,
    $$ values ('first', 'completed', true, null), ('overdue', 'completed', true, null), ('urgent', 'completed', true, null) $$,
    'completed jobs stay in sight');
select tests.act_as('app_worker');
select throws_ok(
    $$ select from core.next_jobs('w1', 10, p_lease => (select max(lease_id) from taken where round = 1)) $$, 'PT409', 'conflict',
    'a lease that has ended settles nothing');

-- in parts
select is(core.complete_jobs(
    (select max(lease_id) from taken where round = 3), array[(select id from taken where round = 3 and place = 1)],
    p_results => jsonb_build_object((select id from taken where round = 3 and place = 1), 42)), 1, 'one job of a batch is completed, with a result');
select throws_ok(
    $$ select core.complete_jobs((select max(lease_id) from taken where round = 3), array[(select id from taken where round = 3 and place = 1)]) $$,
    'PT409', 'conflict', 'it cannot be completed twice');
select throws_ok(
    $$ select core.complete_jobs((select max(lease_id) from taken where round = 3), array[(select id from taken where round = 4)]) $$,
    'PT409', 'conflict', 'nor a job of another lease');
select tests.act_as_admin();
select results_eq(
    $$ select payload ->> 'to', status, result from core.job_queue where id in (select id from taken where round = 3) order by 1 desc $$,
    $$ values ('second', 'completed', '42'::jsonb), ('idle', 'processing', null) $$, 'the other one is still running');
select tests.act_as('app_worker');
select is(core.release_jobs((select max(lease_id) from taken where round = 3)), 1, 'a worker that stops hands back what it has not begun');
select throws_ok($$ select core.release_jobs((select max(lease_id) from taken where round = 3)) $$, 'PT409', 'conflict', 'once');
select tests.act_as_admin();
select results_eq(
    $$ select status, retry_count from core.job_queue where payload ->> 'to' = 'idle' $$, $$ values ('pending', 0) $$, 'which is no failure');
select tests.act_as('app_worker');
select pg_temp.take(5, 10);
select results_eq($$ select payload ->> 'to' from taken where round = 5 $$, array['idle'], 'and the next one gets it at once');

-- leases
select results_eq(
    $$ select is_held, seconds_left from core.heartbeat(array[(select max(lease_id) from taken where round = 5), -1]) order by is_held desc $$,
    $$ values (true, 60::double precision), (false, 0) $$, 'a heartbeat tells held leases from lost ones');
select ok(core.heartbeat_job((select id from taken where round = 5), 'w1') > clock_timestamp() + interval '50 seconds', 'and extends them');
select throws_ok($$ select core.heartbeat_job((select id from taken where round = 5), 'w2') $$, 'PT409', 'conflict', 'but not for a stranger');
select lives_ok($$ select core.complete_job((select id from taken where round = 5), 'w1', '{"sent": true}') $$, 'jobs may be completed one by one');
select throws_ok($$ select core.complete_job((select id from taken where round = 5), 'w1') $$, 'PT409', 'conflict', 'once');
select throws_ok($$ select core.complete_job((select id from taken where round = 4), 'w2') $$, 'PT409', 'conflict', 'by their holder');
select lives_ok($$ select core.complete_job((select id from taken where round = 4), 'w1') $$, 'only');

-- what is no claim
select is_empty($$ select from core.next_jobs('w1', 0) $$, 'a claim of nothing is one');
select throws_ok($$ select from core.next_jobs('w1', -1) $$, 'PT400', 'bad_request', 'a negative one is not');
select throws_ok($$ select from core.next_jobs('w1', 1001) $$, 'PT400', 'bad_request', 'nor one of everything');
select throws_ok($$ select from core.next_jobs('') $$, 'PT400', 'bad_request', 'nor an anonymous one');
select throws_ok($$ select from core.next_jobs('w1', 10, 'nowhere') $$, 'PT422', 'invalid', 'nor one from an unknown queue');
select throws_ok($$ select from core.jobs_ready $$, '42501', 'permission denied for table jobs_ready', 'a worker reads no tables');

-- claim_jobs shows them as the queue does
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('generate_invoice_pdf', '{"invoice": {}}');
select tests.act_as('app_worker');
select results_eq(
    $$ select job_type, status, locked_by, lease_expires_at - started_at, lease_seconds from core.claim_jobs('w3') $$,
    $$ values ('generate_invoice_pdf', 'processing', 'w3', interval '2 minutes', 120) $$, 'core.claim_jobs claims too; the lease is as long as the type asks');

-- what failed and may be tried again at once is given out by the same call
create function pg_temp.after_failing(p_seconds integer) returns text language plpgsql as $fn$
declare
    v_held   record;
    v_answer text;
begin
    select j.lease_id, j.id into v_held from core.next_jobs('w4', 1) as j;
    select string_agg((j.id = v_held.id)::text || ' ' || j.retry_count, ',')
      into v_answer
      from core.next_jobs(
        'w4', 1, p_lease => v_held.lease_id,
        p_failed => jsonb_build_array(jsonb_build_object('id', v_held.id, 'error', 'busy', 'retry_after', p_seconds))) as j;
    return v_answer;
end
$fn$;
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('send_email', '{"to": "again"}');
select tests.act_as('app_worker');
select is(pg_temp.after_failing(0), 'true 1', 'a job that failed and may be tried at once comes back with the call that says so');
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('send_email', '{"to": "later"}');
select tests.act_as('app_worker');
select is(pg_temp.after_failing(60), null, 'one that has to wait does not');

-- the claim reads the index in order
select tests.act_as_admin();
set local enable_seqscan = off;
set local enable_bitmapscan = off;
create function pg_temp.plan_of(p_sql text) returns setof text language plpgsql as $fn$ begin return query execute 'explain ' || p_sql; end $fn$;
select ok(
    bool_or(line ~ 'idx_job_queue_pending') and not bool_or(line ~ 'Sort'), 'the claim uses idx_job_queue_pending without a sort')
  from pg_temp.plan_of($$ select ctid from core.jobs_ready where lane_id = 1 and tag >= 0 order by tag limit 10 for update skip locked $$) as line;

-- nor does a claim read what is not due
create function pg_temp.scheduled_read() returns bigint language plpgsql as $fn$
declare
    v_index  constant regclass := 'core.jobs_scheduled_scheduled_at_idx';
    v_before bigint := pg_stat_get_xact_tuples_returned(v_index);
begin
    perform count(*) from core.next_jobs('w1');
    return pg_stat_get_xact_tuples_returned(v_index) - v_before;
end
$fn$;
insert into core.jobs_scheduled (scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, job_type, payload)
select clock_timestamp() + n * interval '1 hour', clock_timestamp(), 1, 0, 3, 60, gen_random_uuid(), tests.id('north'), 'send_email', '{"to": "x"}'
  from generate_series(1, 2000) as n;
select cmp_ok(pg_temp.scheduled_read(), '<', 10::bigint, 'a claim reads no job that is not due');

select * from finish();
rollback;

-- core.job_queue: its columns, and who sees which rows in which state.
begin;
select plan(13);

select columns_are('core', 'job_queue', array[
    'id', 'tenant_id', 'queue', 'job_type', 'payload', 'status', 'priority', 'retry_count', 'max_retries', 'scheduled_at', 'started_at',
    'completed_at', 'failed_at', 'error_message', 'created_at', 'locked_by', 'lease_expires_at', 'dedupe_key', 'result', 'created_by'],
    'the queue has the columns of the specification');
select columns_are('core', 'job_queue', (select array_agg(a.attname) from pg_attribute as a where a.attrelid = 'core.all_jobs'::regclass), 'as the view behind it');

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob', 'MEMBER');
create function pg_temp.states(p_name text) returns void language plpgsql as $fn$
declare
    v_jobs uuid[];
begin
    v_jobs := core.enqueue_many('send_email', array_fill('{"to": "x"}'::jsonb, array[5]));
    perform core.enqueue('send_email', '{"to": "x"}', p_run_at => clock_timestamp() + interval '1 hour');
    perform core.cancel_job(v_jobs[5]);
end
$fn$;
select tests.act_as('app_user', 'ann', 'north');
select pg_temp.states('north');
select tests.act_as('app_user', 'sue', 'south');
select pg_temp.states('south');
select tests.act_as('app_worker');
-- one batch with jobs of both tenants, a part of it done, one failed
create temporary table batch as select * from core.next_jobs('w1', 6);
grant all on batch to public;
select core.complete_jobs(max(lease_id), (array_agg(id) filter (where tenant_id = tests.id('north')))[1:2] || (array_agg(id) filter (where tenant_id = tests.id('south')))[1:1]) from batch;
select core.fail_job((select id from batch where tenant_id = tests.id('south') order by id desc limit 1), 'w1', 'broken', false);

select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select status, count(*) from core.job_queue group by status order by status $$,
    $$ values ('cancelled', 1::bigint), ('completed', 2), ('pending', 1), ('processing', 2) $$, 'north sees its jobs in every state');
select is_empty($$ select from core.job_queue where tenant_id <> tests.id('north') $$, 'and no other, though they share batches');
select tests.act_as('app_user', 'sue', 'south');
select results_eq($$ select status, count(*) from core.job_queue group by status order by status $$,
    $$ values ('cancelled', 1::bigint), ('completed', 1), ('failed', 1), ('pending', 3) $$, 'south sees its own');
select tests.act_as('app_user', 'bob', 'north');
select is_empty($$ select from core.job_queue $$, 'a member without jobs_queue.view sees none');
select tests.act_as('app_user', 'ann');
select is_empty($$ select from core.job_queue $$, 'nor does a person without a tenant');
select tests.act_as('app_user');
select is_empty($$ select from core.job_queue $$, 'nor nobody');
select tests.act_as('app_worker');
select throws_ok($$ select from core.job_queue $$, '42501', 'permission denied for view job_queue', 'workers get their jobs by claims only');
select tests.act_as('app_anon');
select throws_ok($$ select from core.job_queue $$, '42501', 'permission denied for view job_queue', 'anonymous callers get nothing');
select tests.act_as('app_platform_admin');
select is((select count(*) from core.job_queue), 12::bigint, 'the platform sees all');
select is((select count(distinct tenant_id) from core.job_queue), 2::bigint, 'of both');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ delete from core.job_queue $$, '55000', 'cannot delete from view "job_queue"', 'nobody changes jobs through the view');

select * from finish();
rollback;

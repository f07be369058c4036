-- core.promote_jobs, core.sweep_lanes: scheduled jobs come when it is time, and marks are never in the way of a job.
begin;
select plan(21);

select tests.tenant('north', 'crm', 'ann');
-- a sweep that a busy machine made slow has the next one wait
create function pg_temp.rested() returns void language plpgsql as $fn$
begin
    perform tests.act_as_admin();
    perform setval('core.queue_swept_at', 1);
end
$fn$;
create function pg_temp.make_due() returns void language plpgsql as $fn$
begin
    perform pg_temp.rested();
    update core.jobs_scheduled set scheduled_at = scheduled_at - interval '1 day';
    perform core.sweep_lanes();
end
$fn$;
create function pg_temp.taken(p_limit integer, p_queue text default 'default', p_types text[] default null) returns text language plpgsql as $fn$
declare
    v_names text;
begin
    perform pg_temp.rested();
    perform tests.act_as('app_worker');
    select string_agg(job.payload ->> 'to', ' ' order by job.number)
      into v_names
      from core.next_jobs('w1', p_limit, p_queue, p_types) with ordinality as job (
        lease_id, id, tenant_id, queue, job_type, payload, priority, retry_count, max_retries, scheduled_at, created_at, lease_seconds, number);
    return v_names;
end
$fn$;
create function pg_temp.mark() returns bigint language sql security definer as $$ select pg_sequence_last_value(mark) from core.queue_lanes where queue = 'default' and priority = 0 $$;

select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('send_email', '{"to": "b"}', p_run_at => clock_timestamp() + interval '23 hours'),
       core.enqueue('send_email', '{"to": "a"}', p_run_at => clock_timestamp() + interval '22 hours'),
       core.enqueue('send_email', '{"to": "never"}', p_run_at => clock_timestamp() + interval '9 days'),
       core.enqueue('send_email', '{"to": "now"}'),
       core.enqueue('send_email', '{"to": "f"}', p_run_at => clock_timestamp() + interval '22 hours', p_queue => 'fair');
select is(pg_temp.taken(10), 'now', 'what is not due is not served');
select pg_temp.make_due();
select is(pg_temp.taken(1), 'a', 'what has become due is, by its time and not by when it was queued');
select is(pg_temp.taken(10), 'b', 'one after the other');
select is(pg_temp.taken(10, 'fair'), 'f', 'in fair queues too');
select is(pg_temp.taken(10), null, 'and nothing else');
select tests.act_as_admin();
select pg_temp.rested();
select is(core.promote_jobs(), 0, 'nothing more is due');
select pg_temp.make_due();
select is(core.promote_jobs(), 0, 'nor a day later');

-- marks
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue_many('send_email', array(select jsonb_build_object('to', n) from generate_series(1, 100) as n));
select is(pg_temp.taken(50) ~ '^1 2 3 .* 49 50$', true, 'fifty of a hundred jobs');
select tests.act_as_admin();
select ok(pg_temp.mark() > 0, 'raise the mark');
select is((select count(*) from core.job_envelopes as e cross join unnest(e.jobs) as job where job.tag < pg_temp.mark() and job.payload ->> 'to' ~ '^[0-9]+$'), 0::bigint, 'to the first of them');
select pg_temp.taken(20);
select tests.act_as_admin();
select is((select count(*) from core.jobs_ready where tag < pg_temp.mark()), 0::bigint, 'no waiting job is below it');
select pg_temp.rested();
select is(core.sweep_lanes(), false, 'so a sweep finds nothing');
select setval('core.queue_swept_at', core.epoch_us(clock_timestamp()) + 30000000);
select is(core.sweep_lanes(), false, 'and says the same while it rests: the answer tells nothing of how long the last one took');
-- what a late commit or a claim undone would leave
select setval(mark, 9000000000000000000) from core.queue_lanes where queue = 'default' and priority = 0;
select pg_temp.rested();
select is(core.sweep_lanes(), true, 'a mark above waiting jobs is found');
select ok(pg_temp.mark() <= (select min(tag) from core.jobs_ready), 'and lowered');
select setval(mark, 9000000000000000000) from core.queue_lanes where queue = 'default' and priority = 0;
select is(pg_temp.taken(3), '71 72 73', 'an empty claim looks below the mark by itself');
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('send_email', '{"to": "overdue"}', p_run_at => clock_timestamp() - interval '1 day');
select is(pg_temp.taken(1), 'overdue', 'a job that is overdue lowers the mark itself');

-- types
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('send_sms', '{"to": "sms"}', p_run_at => clock_timestamp() - interval '1 hour');
select is(pg_temp.taken(20, p_types => '{send_email}') ~ '^74 ', true, 'a claim of one type passes over another');
select is(pg_temp.taken(1), 'sms', 'without hiding it from the others');
select is(pg_temp.taken(20, p_types => '{no_such_type}'), null, 'a type nobody queued has no jobs');

-- one job that is due when nothing can be counted any more does not stop the others
select tests.act_as_admin();
delete from core.jobs_scheduled;
delete from core.jobs_ready;
select tests.act_as('app_definer');
select core.enqueue_for(null, 'data_cleanup', '{"to": "far"}', p_run_at => clock_timestamp() + interval '1 day');
select tests.act_as_admin();
update core.jobs_scheduled set scheduled_at = 'infinity';
select core.enqueue_for(null, 'data_cleanup', '{"to": "near"}');
select is(pg_temp.taken(5), 'near', 'a job at the end of all time stops nobody');

select * from finish();
rollback;

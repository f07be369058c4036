-- core.fair_places and core.make_room: whatever a tenant queues, and in which way, a turn is one job.
begin;
select plan(17);

select tests.tenant('big', 'crm', 'ann'), tests.tenant('small', 'crm', 'sue');
create function pg_temp.queued(p_tenant text, p_person text, p_count integer, p_priority integer default 0) returns void language plpgsql as $fn$
begin
    perform tests.act_as('app_user', p_person, p_tenant);
    perform core.enqueue_many(
        'send_email',
        array(select jsonb_build_object('to', left(p_tenant, 1), 'number', number) from generate_series(1, p_count) as number),
        p_priority,
        p_queue => 'fair');
end
$fn$;
-- what the next claim takes, as tenant, priority and number, in order
create function pg_temp.served(p_limit integer) returns text[] language plpgsql as $fn$
begin
    perform tests.act_as('app_worker');
    return array(
        select coalesce(job.payload ->> 'to', 'p') || coalesce(nullif(job.priority, 0)::text, '') || coalesce(job.payload ->> 'number', '')
          from core.next_jobs('w1', p_limit, 'fair') with ordinality as job (
            lease_id, id, tenant_id, queue, job_type, payload, priority, retry_count, max_retries, scheduled_at, created_at, lease_seconds, number)
         order by job.number);
end
$fn$;
create function pg_temp.of(p_whose text, p_jobs text[]) returns bigint language sql as $$ select count(*) from unnest(p_jobs) as job where job ~ ('^' || p_whose) $$;
create temporary table took as select null::text[] as jobs;
grant select, update on took to public;

-- the lowest first, in bulk: the others go before it, and the tenant has its turns as if they had not
select pg_temp.queued('big', 'ann', 20, -1), pg_temp.queued('big', 'ann', 20), pg_temp.queued('big', 'ann', 20, 1), pg_temp.queued('small', 'sue', 60);
update took set jobs = pg_temp.served(40);
select is(pg_temp.of('b', jobs), 20::bigint, 'mixed priorities do not give a tenant more than its turns') from took;
select is(pg_temp.of('b1', jobs), 20::bigint, 'its highest priority goes first') from took;
select is(pg_temp.of('b', pg_temp.served(40)), 20::bigint, 'that holds for all that wait');
select is(pg_temp.of('b-1', pg_temp.served(40)), 20::bigint, 'the lowest last');
select is(pg_temp.served(100), '{}', 'and no job is lost or comes twice');

-- one by one
select tests.act_as('app_user', 'ann', 'big');
select count(core.enqueue('send_email', '{"to": "b"}', priority, p_queue => 'fair')) from generate_series(1, 10), generate_series(-1, 1) as priority;
select pg_temp.queued('small', 'sue', 30);
select is(pg_temp.of('b', pg_temp.served(30)), 15::bigint, 'queued one by one, and by turns, it is the same');
select pg_temp.served(100);

-- the others stay nearly in order
select pg_temp.queued('big', 'ann', 200), pg_temp.queued('big', 'ann', 1, 1);
update took set jobs = pg_temp.served(201);
select is(jobs[1], 'b11', 'what is urgent is first') from took;
select is((select count(*) from unnest(jobs[2:]) with ordinality as job (name, place) where job.place > 4 * substr(job.name, 2)::integer + 1), 0::bigint,
    'nobody''s place is more than four times as far back') from took;
select is((select array_agg(job.number order by job.place) from (
        select substr(name, 2)::integer as number, place, lag(substr(name, 2)::integer) over (order by place) as before
          from unnest(jobs[2:]) with ordinality as job (name, place)) as job
    where job.number < job.before), array[1, 5, 21, 85], 'and only a few moved') from took;

-- many at once, more than there are to go before
select pg_temp.queued('big', 'ann', 5, -1), pg_temp.queued('big', 'ann', 30, 1), pg_temp.queued('small', 'sue', 40);
select is(pg_temp.of('b', pg_temp.served(40)), 20::bigint, 'a large batch before a few jobs has its turns too');
select pg_temp.served(100);

-- jobs whose time has come
select tests.act_as('app_user', 'ann', 'big');
select count(core.enqueue('send_email', '{"to": "b"}', p_run_at => clock_timestamp() + interval '1 hour', p_queue => 'fair')) from generate_series(1, 20);
select tests.act_as_admin();
update core.jobs_scheduled set scheduled_at = clock_timestamp() - interval '1 minute';
select setval('core.queue_scheduled_low', 1);
select pg_temp.queued('small', 'sue', 20);
select is(pg_temp.of('b', pg_temp.served(20)), 10::bigint, 'jobs that were scheduled stand a turn apart as others do');
select pg_temp.served(100);

-- the platform's
select tests.act_as('app_owner');
select count(core.enqueue_for(null, 'send_email', '{"to": "p"}', p_queue => 'fair')) from generate_series(1, 20);
select pg_temp.queued('small', 'sue', 20);
select is(pg_temp.of('p', pg_temp.served(20)), 10::bigint, 'the platform has its turns like a tenant');

-- in a line of its own: others' jobs neither move nor count. The places of sue's thirty are the ruler.
create function pg_temp.places(p_tenant uuid) returns bigint[] language sql as $$
    select array_agg(waiting.tag order by waiting.tag) from core.jobs_ready as waiting where waiting.tenant_id is not distinct from p_tenant
$$;
select pg_temp.served(100), pg_temp.queued('small', 'sue', 30, -1), pg_temp.queued('big', 'ann', 3, -1);
select tests.act_as_admin();
create temporary table ruler as select pg_temp.places(tests.id('small')) as at;
delete from core.jobs_ready as r using ruler where r.tenant_id = tests.id('big') and r.tag < at[3];
select pg_temp.queued('big', 'ann', 1, 1);
select tests.act_as_admin();
select is(pg_temp.places(tests.id('big')), array[at[1], at[3]], 'a place that is free is taken, and nobody moves') from ruler;
select pg_temp.queued('big', 'ann', 2, 1);
select tests.act_as('app_owner');
select core.enqueue_for(null, 'send_email', '{"to": "p"}', p_queue => 'fair');
select tests.act_as_admin();
select is(pg_temp.places(tests.id('big')), at[1:4], 'who moves goes to the end of the own line') from ruler;
select is(pg_temp.places(tests.id('small')), at, 'others stand where they stood') from ruler;
select is(pg_temp.places(null), at[1:1], 'the platform''s line is its own too') from ruler;

-- also where the planner knows that one tenant has all the jobs
select pg_temp.served(100), pg_temp.queued('big', 'ann', 2000);
select tests.act_as_admin();
analyze core.jobs_ready;
update took set jobs = array[pg_stat_get_xact_tuples_returned('core.idx_job_queue_pending'::regclass)::text];
select pg_temp.queued('big', 'ann', 3, 1);
select tests.act_as_admin();
select is(pg_stat_get_xact_tuples_returned('core.idx_job_queue_pending'::regclass)::text, jobs[1], 'nobody reads through all that wait') from took;

select * from finish();
rollback;

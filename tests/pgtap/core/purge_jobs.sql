-- core.purge_jobs, core.ensure_job_partitions: history by days.
begin;
select plan(20);

select tests.tenant('north', 'crm', 'ann');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.purge_jobs() $$, '42501', 'permission denied for function purge_jobs', 'nobody purges');
select throws_ok($$ select core.ensure_job_partitions() $$, '42501', 'permission denied for function ensure_job_partitions', 'nor makes partitions');

select tests.act_as_admin();
select is(core.requeue_expired_leases(), 0, 'what runs each minute');
select is(count(*), 18::bigint, 'makes partitions for today and a week, beside the default ones') from pg_inherits where inhparent in ('core.job_envelopes'::regclass, 'core.jobs_done'::regclass);
select is(core.ensure_job_partitions(), 0, 'they are made once');
select is(core.ensure_job_partitions(9), 4, 'and further ahead when asked');
select is_empty(
    $$ select c.relname from pg_class as c join pg_inherits as i on i.inhrelid = c.oid
        where i.inhparent in ('core.job_envelopes'::regclass, 'core.jobs_done'::regclass) and not (c.relrowsecurity and c.relforcerowsecurity) $$,
    'every one is guarded');
select is(
    (select array_agg(distinct a.attcompression::text) from pg_attribute as a join pg_inherits as i on i.inhrelid = a.attrelid
      where i.inhparent = 'core.job_envelopes'::regclass and i.inhrelid <> 'core.job_envelopes_default'::regclass and a.attname = 'jobs'),
    array[case when 'lz4' = any (s.enumvals) then 'l' else '' end],
    'batches are compressed the quick way where the server has it')
  from pg_settings as s where s.name = 'default_toast_compression';

-- a day without a partition
create function pg_temp.work(p_at timestamptz) returns void language plpgsql as $fn$
declare
    v_lease bigint;
begin
    insert into core.job_envelopes (id, claimed_at, worker, jobs)
    select nextval(pg_get_serial_sequence('core.job_leases', 'id')), p_at, 'w1', array_agg(r) from (select r from core.jobs_ready as r) as r (r)
    returning id into v_lease;
    insert into core.jobs_done (lease_id, claimed_at, finished_at) values (v_lease, p_at, p_at + interval '1 minute');
    delete from core.jobs_ready;
end
$fn$;
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue_many('send_email', array_fill('{"to": "x"}'::jsonb, array[3]));
select tests.act_as_admin();
select pg_temp.work(clock_timestamp() - interval '40 days');
select is((select count(*) from core.job_envelopes_default), 1::bigint, 'a claim needs no partition of its day');
select is((select count(*) from core.job_queue where status = 'completed'), 3::bigint, 'its jobs are in sight');

-- a partition of an old day, and one of yesterday
select set_config('tests.old', to_char(clock_timestamp() at time zone 'UTC' - interval '50 days', 'YYYYMMDD'), true);
do $do$
begin
    execute format('create table core.job_envelopes_%s partition of core.job_envelopes for values from (%L) to (%L)', current_setting('tests.old'),
        current_setting('tests.old')::date::timestamp at time zone 'UTC', (current_setting('tests.old')::date + 1)::timestamp at time zone 'UTC');
    execute format('create table core.jobs_done_%s partition of core.jobs_done for values from (%L) to (%L)', current_setting('tests.old'),
        current_setting('tests.old')::date::timestamp at time zone 'UTC', (current_setting('tests.old')::date + 1)::timestamp at time zone 'UTC');
    execute format('alter table core.job_envelopes_%s owner to app_definer', current_setting('tests.old'));
    execute format('alter table core.jobs_done_%s owner to app_definer', current_setting('tests.old'));
end
$do$;
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue_many('send_email', array_fill('{"to": "x"}'::jsonb, array[5]));
select tests.act_as_admin();
select pg_temp.work(current_setting('tests.old')::date::timestamp at time zone 'UTC' + interval '12 hours');
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue_many('send_email', array_fill('{"to": "x"}'::jsonb, array[7]));
select tests.act_as_admin();
select pg_temp.work(clock_timestamp());
insert into core.jobs_dead (scheduled_at, created_at, finished_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, status, job_type, payload)
select now(), now(), now() - age, (select min(id) from core.queue_lanes), 0, 3, 3, 60, gen_random_uuid(), 'failed', 'data_cleanup', '{}'
  from unnest(array[interval '31 days', interval '29 days']) as age;

select is((select count(*) from core.job_queue where status = 'completed'), 15::bigint, 'fifteen jobs are done');
select is(core.purge_jobs(), 9, 'a purge takes what ended more than 30 days ago');
select is((select count(*) from core.job_queue where status = 'completed'), 7::bigint, 'and leaves the rest');
select is((select count(*) from core.job_queue where status = 'failed'), 1::bigint, 'of dead jobs too');
select is(to_regclass('core.job_envelopes_' || current_setting('tests.old')), null, 'old days go as a whole');
select is(to_regclass('core.jobs_done_' || current_setting('tests.old')), null, 'with their outcomes');
select is((select count(*) from core.jobs_done), 1::bigint, 'no outcome is left without its batch');
select is(core.purge_jobs(), 0, 'a second purge finds nothing');
select throws_ok($$ select core.purge_jobs(interval '-1 day') $$, 'PT400', 'bad_request', 'a period is no negative one');

-- what runs stays
select tests.act_as('app_user', 'ann', 'north');
select core.enqueue('send_email', '{"to": "x"}');
select tests.act_as('app_worker');
select core.next_jobs('w1');
select tests.act_as_admin();
select core.purge_jobs('0');
select is((select count(*) from core.job_queue where status = 'processing'), 1::bigint, 'a running job outlives a purge of everything');

select * from finish();
rollback;

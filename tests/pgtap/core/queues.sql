-- The tables of the queue: closed to every application role.
begin;
select plan(90);

select tests.tenant('north', 'crm', 'ann');
create temporary table closed (name text);
grant select on closed to public;
insert into closed values
    ('queues'), ('queue_lanes'), ('queue_weights'), ('jobs_ready'), ('jobs_scheduled'), ('jobs_dead'), ('job_keys'), ('job_envelopes'),
    ('job_leases'), ('jobs_done');

select ok(c.relrowsecurity and c.relforcerowsecurity, closed.name || ' has row security, for its owner too')
  from closed join pg_class as c on c.oid = ('core.' || closed.name)::regclass;
select is_empty(
    format($$ select acl.grantee::regrole from aclexplode((select relacl from pg_class where oid = %L::regclass)) as acl where acl.grantee = %L::regrole $$, 'core.' || closed.name, role.name),
    role.name || ' has no grant on ' || closed.name)
  from closed cross join unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as role (name);

-- even a grant made by mistake opens nothing
select core.enqueue_for(tests.id('north'), 'data_cleanup');
grant select on core.jobs_ready, core.queues to app_user, app_worker;
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.jobs_ready $$, 'even with a grant an owner reads no job');
select is_empty($$ select from core.queues $$, 'nor a queue');
select tests.act_as('app_worker');
select is_empty($$ select from core.jobs_ready $$, 'nor does a worker');
select throws_ok($$ delete from core.jobs_ready $$, '42501', 'permission denied for table jobs_ready', 'and none deletes jobs');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.jobs_ready $$, 'definer functions see them');
select isnt_empty($$ select from core.queues $$, 'all of them');
select tests.act_as('app_owner');
select isnt_empty($$ select from core.jobs_ready $$, 'so does the owner, for migrations');

-- no function of the inside can be called from outside
select tests.act_as_admin();
select is_empty(
    $$ select p.proname, r.name
         from pg_proc as p
        cross join unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as r (name)
        where p.pronamespace = 'core'::regnamespace
          and p.proname in ('add_job', 'enqueue_for', 'settle_lease', 'fail_jobs', 'change_job', 'lane_of', 'raise_marks', 'sweep_lanes', 'promote_jobs',
                            'queue_room', 'lease_of', 'fair_places', 'fair_turn', 'make_room', 'wake_workers', 'purge_jobs', 'ensure_job_partitions')
          and has_function_privilege(r.name, p.oid, 'execute') $$, 'what works inside is not for callers');
select is(count(*), 17::bigint, 'all of these exist')
  from pg_proc as p
 where p.pronamespace = 'core'::regnamespace
   and p.proname in ('add_job', 'enqueue_for', 'settle_lease', 'fail_jobs', 'change_job', 'lane_of', 'raise_marks', 'sweep_lanes', 'promote_jobs',
                     'queue_room', 'lease_of', 'fair_places', 'fair_turn', 'make_room', 'wake_workers', 'purge_jobs', 'ensure_job_partitions');
select is_empty(
    $$ select p.proname
         from pg_proc as p
        where p.pronamespace = 'core'::regnamespace
          and p.prosecdef
          and p.proname ~ '(job|queue|lease|enqueue|heartbeat|lane|mark|fair)'
          and (p.proowner <> 'app_definer'::regrole or not coalesce(p.proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}') $$,
    'every definer function is owned by app_definer and looks names up in pg_catalog only');

select * from finish();
rollback;

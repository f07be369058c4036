-- Roles and privileges of the whole module, read from the catalog.
begin;
select plan(29);

-- roles
select is_empty(
    $$ select rolname from pg_roles where rolname ~ '^(app_|dbkit_)' and rolname <> 'dbkit_backup' and (rolsuper or rolbypassrls or rolcreaterole or rolreplication) $$,
    'no role an application or a migration can reach bypasses row security');
select is_empty(
    $$ select m.roleid::regrole, m.member::regrole from pg_auth_members as m join pg_roles as r on r.oid = m.roleid
        where m.member::regrole::text in ('app_login_a', 'app_login_b', 'app_gate', 'app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly')
          and (r.rolsuper or r.rolbypassrls or r.rolname in ('app_owner', 'app_definer', 'dbkit_migrator', 'dbkit_backup')) $$,
    'nor is one a member of such a role or of the owners');
select ok(pg_has_role('app_login_a', 'app_user', 'usage'), 'a login has the rights of app_user');
select ok(not pg_has_role('app_login_a', 'app_renter', 'usage'), 'and not those of app_renter, whose policies would be OR-ed in');
select ok(pg_has_role('app_login_a', 'app_renter', 'member'), 'but may become app_renter');
select lives_ok($$ set local session authorization app_login_a; set local role app_renter; reset role; set local role app_anon; reset session authorization $$,
    'by SET ROLE, and app_anon too');
select throws_ok($$ set local session authorization app_login_a; set local role app_definer $$, '42501', 'permission denied to set role "app_definer"', 'never a definer');
reset session authorization;

-- a leaked login shows nothing
select tests.tenant('north', 'crm', 'ann');
set local session authorization app_login_a;
select is_empty($$ select id from core.users union all select id from core.tenants union all select tenant_id from core.memberships union all select tenant_id from core.subscriptions $$,
    'a login without a context sees no row of any tenant');
reset session authorization;

-- PUBLIC
select is_empty(
    $$ select c.oid::regclass from pg_class as c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as acl
        where c.relnamespace = 'core'::regnamespace and c.relkind in ('r', 'v', 'm', 'p') and acl.grantee = 0 $$,
    'PUBLIC has nothing on a table or view');
select is_empty(
    $$ select p.oid::regprocedure from pg_proc as p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
        where p.pronamespace = 'core'::regnamespace and acl.grantee = 0 $$,
    'PUBLIC executes no function');
select is_empty(
    $$ select n.nspname from pg_namespace as n, aclexplode(n.nspacl) as acl where n.nspname = 'core' and acl.grantee = 0 $$, 'PUBLIC does not use the schema');
set local role app_owner;
create function core.fresh() returns integer language sql return 1;
create table core.fresh_table (id integer);
create domain core.fresh_domain as text;
set local role app_definer;
create function core.fresh_definer() returns integer language sql return 1;
create domain core.fresh_definer_domain as text;
reset role;
select ok(not has_function_privilege('app_user', 'core.fresh()', 'execute'), 'a new function starts closed');
select ok(not has_function_privilege('app_user', 'core.fresh_definer()', 'execute'), 'one that app_definer creates itself, too');
select ok(not has_type_privilege('app_user', 'core.fresh_definer_domain', 'usage'), 'and its types');
select ok(not has_table_privilege('app_user', 'core.fresh_table', 'select'), 'a new table too');
select ok(not has_type_privilege('app_user', 'core.fresh_domain', 'usage'), 'and a new domain');
select ok(has_table_privilege('app_definer', 'core.fresh_table', 'select, insert, update, delete'), 'but not to definer functions');

-- definer functions
select is_empty(
    $$ select p.oid::regprocedure from pg_proc as p
        where p.pronamespace = 'core'::regnamespace and p.prosecdef
          and (p.proowner <> 'app_definer'::regrole or not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false))
          -- what only the owner of the audit log may do
          and p.proname not in ('audit_partitions', 'lock_audit_log') $$,
    'every definer function belongs to app_definer and fixes its path');
select results_eq(
    $$ select p.oid::regprocedure::text collate "C" from pg_proc as p where p.pronamespace = 'core'::regnamespace and p.prosecdef
          -- In mode trusted these read settings only.
          and p.proname not in ('active_tenant_id', 'current_user_id')
          -- written by core.attach_audit
          and p.proname !~ '^tg_audit_' order by 1 $$,
    $$ select reviewed collate "C" from unnest(array[
           'core.audit_head()', 'core.audit_partitions(integer)', 'core.lock_audit_log()', 'core.seal_audit()',
           'core.verify_audit(uuid,bigint,text,integer)',
           'core.accept_membership(uuid)', 'core.assert_settings()', 'core.change_subscription(uuid,text,text)', 'core.check_access(uuid,uuid)',
           'core.check_membership_change(uuid,uuid,text,text,text,text)', 'core.create_tenant(text,text,text)', 'core.ensure_context_key()',
           'core.has_feature(text)', 'core.has_permission(text)', 'core.has_role(text)', 'core.is_member(uuid)', 'core.is_owner(uuid)',
           'core.issue_token(uuid,uuid,interval)', 'core.my_tenant_ids()', 'core.my_tenants()', 'core.next_number(text,text,integer)',
           'core.origin_allowed(text,text)', 'core.record_login(text,boolean,text)', 'core.require_feature(text)', 'core.require_tenant()',
           'core.restore(regclass,uuid)', 'core.rotate_context_key(interval)', 'core.set_context(uuid,uuid,text,text)',
           'core.set_context_signed(text,text,text)', 'core.soft_delete(regclass,uuid,integer)', 'core.upsert_user(text,text,text,text)',
           'core.apply_retention(regclass,integer,integer)', 'core.apply_retention_policies()',
           'core.emit(text,text,text,text,jsonb)', 'core.notify_user(uuid,text,text,text,text,text)', 'core.purge_outbox(interval)',
           'core.settled_event_id()', 'core.tg_outbox()',
           'core.aggregate_metrics()', 'core.backup_report()', 'core.count_metric(text,bigint,numeric)', 'core.evaluate_alerts(text)', 'core.get_metrics_today()',
           'core.health_check()', 'core.log_error(text,text,text,jsonb)', 'core.metric_history(text,interval)', 'core.percentiles(text,interval)',
           'core.record_metric(text,double precision,jsonb)', 'core.run_cron(text,timestamp with time zone)', 'core.sample_gauges()',
           'core.send_alert(text,text)', 'core.snapshot_query_stats()',
           'core.cache_get(text,text)', 'core.cache_invalidate(text)', 'core.cache_invalidate_prefix(text)', 'core.cache_invalidate_tag(text)',
           'core.cache_purge_expired(integer)', 'core.cache_set(text,text,jsonb,text[],integer)', 'core.cache_stats_report(interval)',
           'core.cache_unguarded()', 'core.idempotency_claim(text,text,jsonb,interval)', 'core.idempotent_finish(text,text,jsonb,integer)',
           'core.idempotent_release(text,text,integer)', 'core.purge_idempotency_keys(integer)', 'core.purge_rate_limits(integer)',
           'core.rate_limit(text,text,boolean)', 'core.rate_limit_refusal_count()', 'core.rate_limit_report(interval)',
           'core.tg_cache_invalidate()', 'core.tg_rate_limit_policies_changed()',
           'core.start_backup(text,text)', 'core.finish_backup(bigint,boolean,bigint)', 'core.log_restore_verification(bigint,boolean,jsonb,jsonb)',
           'core.visible_user_ids()',
           -- queue
           'core.cancel_job(uuid)', 'core.change_job(uuid,text,uuid,boolean)', 'core.claim_jobs(text,integer,text,text[])', 'core.complete_job(uuid,text,jsonb)',
           'core.complete_jobs(bigint,uuid[],jsonb,jsonb)', 'core.enqueue(text,jsonb,integer,timestamp with time zone,text,text)',
           'core.enqueue_batch(jsonb)', 'core.enqueue_for(uuid,text,jsonb,integer,timestamp with time zone,text,text)',
           'core.enqueue_many(text,jsonb[],integer,timestamp with time zone,text)', 'core.ensure_job_partitions(integer)',
           'core.fail_job(uuid,text,text,boolean,double precision)', 'core.fail_jobs(core.job_leases,jsonb)',
           'core.fair_places(core.queue_lanes,uuid,integer,integer)', 'core.fair_turn(uuid)', 'core.heartbeat(bigint[])', 'core.heartbeat_job(uuid,text)',
           'core.job_backoff(text,integer)', 'core.lane_of(text,integer)', 'core.lease_of(uuid,text)',
           'core.make_room(core.queue_lanes,uuid,integer,integer,bigint,bigint,bigint)',
           'core.next_jobs(text,integer,text,text[],bigint,uuid[],jsonb,jsonb)', 'core.platform_cancel_job(uuid)', 'core.platform_retry_job(uuid)',
           'core.promote_jobs(integer)', 'core.purge_jobs(interval)', 'core.put_queue(text,boolean,integer)', 'core.put_queue_weight(uuid,numeric)',
           'core.queue_room(text)', 'core.raise_marks(core.jobs_ready[],boolean)', 'core.refuse_payload(text,jsonb,boolean)', 'core.refuse_priority(integer,boolean)', 'core.refuse_run_at(timestamp with time zone)',
           'core.release_jobs(bigint,uuid[])', 'core.requeue_expired_leases()', 'core.retry_job(uuid)',
           'core.settle_lease(bigint,uuid[],jsonb,jsonb)', 'core.sweep_lanes()', 'core.tg_tenants_delete_jobs()'
       ]) as reviewed order by 1 $$,
    'the definer functions are the ones that were reviewed');
select is_empty(
    $$ select p.oid::regprocedure from pg_proc as p where p.pronamespace = 'core'::regnamespace and obj_description(p.oid, 'pg_proc') is null and p.proname !~ '^fresh' $$,
    'every function is documented');
create function pg_temp.unclear() returns table (name regprocedure, missing text) language sql as $fn$
    select p.oid::regprocedure, word.what
      from pg_proc as p
      join (values ('errors', 'errors', false), ('what a second call does', 'idempotent|each call|second|again|once|reads only', true)) as word (what, pattern, is_for_changes)
        on obj_description(p.oid, 'pg_proc') !~* word.pattern and (not word.is_for_changes or p.provolatile = 'v')
     where p.pronamespace in (select n.oid from pg_namespace as n where n.nspname in ('core', 'storage', 'rental'))
       and p.prorettype <> 'trigger'::regtype
$fn$;
select is_empty($$ select * from pg_temp.unclear() $$, 'each function says which errors it raises, and each that changes something what a second call does');
comment on function core.fresh() is 'Fresh. Errors: none.';
select results_eq($$ select * from pg_temp.unclear() $$, $$ values ('core.fresh()'::regprocedure, 'what a second call does'::text) $$, 'one that does not is named');
select is_empty(
    $$ select c.oid::regclass from pg_class as c where c.relnamespace = 'core'::regnamespace and c.relkind in ('r', 'v') and obj_description(c.oid, 'pg_class') is null and c.relname <> 'fresh_table' $$,
    'and every table and view');

-- A function that runs with its caller's rights fails for a role that may call it and not what it calls. A test that calls it as one role
-- after another would not see that: what a function may call is asked once a transaction.
create function pg_temp.calls() returns table (caller regprocedure, callee text) language sql stable
begin atomic
    select p.oid::regprocedure, call[1]
      from pg_proc as p,
           regexp_matches(regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), '--[^\n]*', '', 'g'), '\ycore\.([a-z0-9_]+)\s*\(', 'g') as call
     where p.pronamespace = 'core'::regnamespace and not p.prosecdef and call[1] !~ '^tg_';
end;
select ok(exists (select from pg_temp.calls() where caller = 'core.read_events(text,bigint,integer)'::regprocedure and callee = 'require_tenant'),
    'what a function calls is found in its body');
select is_empty(
    $$ select c.caller, r.rolname, p.oid::regprocedure
         from pg_temp.calls() as c
         join pg_proc as p on p.pronamespace = 'core'::regnamespace and p.proname = c.callee
         join pg_roles as r on r.rolname ~ '^app_' and not r.rolcanlogin
        where has_function_privilege(r.oid, c.caller, 'execute') and not has_function_privilege(r.oid, p.oid, 'execute') $$,
    'and who may call it may call that');

-- policies
select is_empty(
    $$ select tablename, policyname from pg_policies where schemaname = 'core' and 'public' = any (roles) $$, 'every policy names its roles');
select is_empty(
    $$ select tablename, policyname from pg_policies where schemaname = 'core' and cmd in ('UPDATE', 'ALL') and (qual is null or with_check is null) $$,
    'every policy that updates has USING and WITH CHECK');
select is_empty(
    $$ select tablename, command, role, count(*)
         from pg_policies as p, unnest(p.roles) as role, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as command
        where schemaname = 'core' and permissive = 'PERMISSIVE' and p.cmd in (command, 'ALL')
        group by 1, 2, 3 having count(*) > 1 $$,
    'one permissive policy per table, command and role');
select is_empty(
    $$ select c.oid::regclass from pg_class as c where c.relnamespace = 'core'::regnamespace and c.relkind = 'v'
        and not coalesce('security_invoker=true' = any (c.reloptions), false)
          -- these read closed tables and decide themselves: see their files
        and c.relname not in ('all_jobs', 'job_queue', 'queue_health') $$,
    'every view reads with the rights of its reader');

select * from finish();
rollback;

-- core.fail_job and its kin: backoff, retries, dead letters, expired leases.
begin;
select plan(39);

select tests.tenant('north', 'crm', 'ann');
create temporary table job (name text primary key, id uuid) on commit drop;
grant all on job to public;
create function pg_temp.job(p_name text) returns uuid language sql return (select id from job where name = p_name);
-- as time passes
create function pg_temp.make_due() returns void language plpgsql as $fn$
begin
    update core.jobs_scheduled set scheduled_at = clock_timestamp() - interval '1 second' where scheduled_at > clock_timestamp();
    perform setval('core.queue_scheduled_low', 1);
end
$fn$;

select tests.act_as('app_user', 'ann', 'north');
insert into job values ('mail', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'k'));

select results_eq(
    $$ select core.job_backoff('send_email', n) from generate_series(1, 4) as n $$,
    array[interval '1 minute', '5 minutes', '15 minutes', '15 minutes'], 'retries wait 1, 5, 15 minutes, then 15');
select is(core.job_backoff('no such type', 1), interval '1 minute', 'so do those of a type that is gone');

-- four failures
select tests.act_as('app_worker');
create function pg_temp.fail_once(p_error text) returns interval language plpgsql as $fn$
declare
    v_lease bigint;
    v_after timestamptz;
begin
    perform tests.act_as_admin();
    perform pg_temp.make_due();
    perform tests.act_as('app_worker');
    select lease_id into strict v_lease from core.next_jobs('w1', 1);
    select scheduled_at into v_after from core.fail_job(pg_temp.job('mail'), 'w1', p_error);
    return date_trunc('minute', v_after - clock_timestamp() + interval '30 seconds');
end
$fn$;
select is(pg_temp.fail_once('no route'), interval '1 minute', 'the first failure is tried again after a minute');
select tests.act_as_admin();
select results_eq(
    $$ select status, retry_count, error_message, failed_at, locked_by, started_at from core.job_queue where id = pg_temp.job('mail') $$,
    $$ values ('pending', 1, 'no route', null::timestamptz, null::text, null::timestamptz) $$, 'it is pending again, with its reason');
select tests.act_as('app_worker');
select is_empty($$ select from core.next_jobs('w1') $$, 'not before its time');
select is(pg_temp.fail_once('no route'), interval '5 minutes', 'the second one after five');
select is(pg_temp.fail_once('no route'), interval '15 minutes', 'the third one after fifteen');
select tests.act_as('app_user', 'ann', 'north');
select is(core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'k'), pg_temp.job('mail'), 'all the time it holds its key');
select lives_ok($$ select pg_temp.fail_once('still none') $$, 'the fourth failure');
select tests.act_as_admin();
select results_eq(
    $$ select status, retry_count, error_message, failed_at is not null, started_at is not null from core.job_queue where id = pg_temp.job('mail') $$,
    $$ values ('failed', 3, 'still none', true, true) $$, 'is the last: the job has failed');
select tests.act_as('app_worker');
select throws_ok($$ select core.fail_job(pg_temp.job('mail'), 'w1', 'again') $$, 'PT409', 'conflict', 'nobody holds it any more');
select tests.act_as('app_user', 'ann', 'north');
insert into job values ('other', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'k'));
select isnt(pg_temp.job('other'), pg_temp.job('mail'), 'and its key is free');

-- not retryable, and with a wish of its own
select tests.act_as('app_worker');
select isnt_empty($$ select from core.next_jobs('w1', 1) $$, 'the next job');
select throws_ok($$ select core.fail_job(pg_temp.job('other'), 'w2', 'not mine') $$, 'PT409', 'conflict', 'only its holder may fail it');
select results_eq(
    $$ select status, retry_count, error_message from core.fail_job(pg_temp.job('other'), 'w1', 'no such address', false) $$,
    $$ values ('failed', 0, 'no such address') $$, 'what cannot succeed fails at once, retries untouched');
select tests.act_as('app_user', 'ann', 'north');
insert into job values ('polite', core.enqueue('send_email', '{"to": "x"}')), ('done', core.enqueue('send_email', '{"to": "x"}'));
select tests.act_as('app_worker');
create temporary table lease as select * from core.next_jobs('w1', 10);
grant all on lease to public;
select is(core.complete_jobs((select max(lease_id) from lease), p_failed => jsonb_build_array(
    jsonb_build_object('id', pg_temp.job('polite'), 'error', '429', 'retry_after', 7200))), 2, 'a batch may succeed in part');
select tests.act_as_admin();
select results_eq(
    $$ select status, retry_count, scheduled_at > clock_timestamp() + interval '119 minutes' from core.job_queue where id = pg_temp.job('polite') $$,
    $$ values ('pending', 1, true) $$, 'the failed one waits as long as it was told to');
select results_eq($$ select status from core.job_queue where id = pg_temp.job('done') $$, array['completed'], 'the other one is done');
select tests.act_as('app_worker');
select throws_ok(
    format($$ select core.complete_jobs(%s, p_failed => '[{"id": "%s", "error": "x"}]') $$, (select max(lease_id) from lease), pg_temp.job('polite')),
    'PT409', 'conflict', 'and nothing of it can be settled again');
select tests.act_as('app_user', 'ann', 'north');
insert into job values ('patient', core.enqueue('send_email', '{"to": "x"}')), ('twice', core.enqueue('send_email', '{"to": "x"}'));
select tests.act_as('app_worker');
truncate lease;
insert into lease select * from core.next_jobs('w1', 10);
select throws_ok(
    format($$ select core.complete_jobs(%s, '{}', '[{"id": "%s"}, {"id": "%2$s"}]') $$, (select max(lease_id) from lease), pg_temp.job('twice')),
    'PT409', 'conflict', 'a job fails once in a report');
select lives_ok(format($$ select core.fail_job(%L, 'w1', 'wait', p_retry_after => %L) $$, pg_temp.job('patient'), 'Infinity'), 'whoever asks for a pause without end');
select core.complete_job(pg_temp.job('twice'), 'w1');
select tests.act_as_admin();
select is(scheduled_at::date, current_date + 365, 'gets a year') from core.jobs_scheduled where id = pg_temp.job('patient');
select tests.act_as('app_worker');
select throws_ok($$ select core.complete_jobs(-1, p_failed => '{}') $$, 'PT409', 'conflict', 'nor of a lease that never was');

-- a worker that died
select tests.act_as_admin();
delete from core.jobs_scheduled;
select tests.act_as('app_user', 'ann', 'north');
insert into job values ('orphan', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'o'));
select tests.act_as('app_worker');
delete from lease;
select throws_ok($$ update core.job_leases set lease_until = now() $$, '42501', 'permission denied for table job_leases', 'nobody ends a lease by hand');
insert into lease select * from core.next_jobs('dead one', 10);
select is(core.requeue_expired_leases(), 0, 'a living lease stays');
select tests.act_as_admin();
update core.job_leases set lease_until = clock_timestamp() - interval '1 second' where worker = 'dead one';
select results_eq($$ select stuck from core.queue_health where job_type = 'send_email' and processing > 0 $$, array[1::bigint], 'an expired one shows in the health of the queue');
select tests.act_as('app_worker');
select is(core.requeue_expired_leases(), 1, 'and is taken away');
select is(core.requeue_expired_leases(), 0, 'once');
select throws_ok($$ select core.complete_jobs((select max(lease_id) from lease)) $$, 'PT409', 'conflict', 'the old holder comes too late to complete');
select throws_ok($$ select core.complete_job(pg_temp.job('orphan'), 'dead one') $$, 'PT409', 'conflict', 'by either name');
select tests.act_as_admin();
select results_eq(
    $$ select status, retry_count, error_message from core.job_queue where id = pg_temp.job('orphan') $$,
    $$ values ('pending', 1, 'lease expired: worker dead one fell silent') $$, 'the job is pending, one retry less');
select tests.act_as('app_worker');
delete from lease;
insert into lease select * from core.next_jobs('w2', 10);
select is((select id from lease), pg_temp.job('orphan'), 'another worker gets it at once');
select tests.act_as_admin();
update core.job_leases set lease_until = clock_timestamp() - interval '1 second';
select tests.act_as('app_worker');
select lives_ok($$ select core.complete_jobs((select max(lease_id) from lease)) $$, 'a late worker may still finish what nobody took from it');

-- a poison job kills every worker
select tests.act_as('app_user', 'ann', 'north');
insert into job values ('poison', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'p'));
create function pg_temp.die() returns text language plpgsql as $fn$
begin
    perform tests.act_as('app_worker');
    perform core.next_jobs('victim', 1);
    perform tests.act_as_admin();
    update core.job_leases set lease_until = clock_timestamp() - interval '1 second';
    perform core.requeue_expired_leases();
    return (select status || ' ' || retry_count from core.job_queue where id = pg_temp.job('poison'));
end
$fn$;
select results_eq($$ select pg_temp.die() from generate_series(1, 4) $$, array['pending 1', 'pending 2', 'pending 3', 'failed 3'], 'a job that kills its workers fails in the end');
select is_empty($$ select from core.job_leases $$, 'and leaves no lease');
select is_empty($$ select from core.job_keys where job_id = pg_temp.job('poison') $$, 'and no key');

-- a tenant that went while its job ran
select tests.act_as('app_user', 'ann', 'north');
insert into job values ('lost', core.enqueue('send_email', '{"to": "x"}'));
select tests.act_as('app_worker');
delete from lease;
insert into lease select * from core.next_jobs('w1', 10);
select tests.act_as_admin();
delete from core.memberships where tenant_id = tests.id('north');
delete from core.tenants where id = tests.id('north');
select tests.act_as('app_worker');
select lives_ok($$ select core.fail_job((select id from lease), 'w1', 'nobody there') $$, 'a job may fail after its tenant is gone');
select tests.act_as_admin();
select is_empty($$ select from core.job_queue where tenant_id = tests.id('north') $$, 'and is not kept');
select is_empty($$ select from core.jobs_dead where tenant_id = tests.id('north') $$, 'nowhere');

select * from finish();
rollback;

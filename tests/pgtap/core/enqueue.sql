-- core.enqueue: in the caller's transaction, for the tenant of the context only, refused early when nothing could come of it.
begin;
select plan(72);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
create temporary table made (name text primary key, id uuid, is_same boolean) on commit drop;
grant all on made to public;

select tests.act_as('app_user', 'ann', 'north');
insert into made select 'plain', core.enqueue('send_email', '{"to": "bob@example.test"}');
select results_eq(
    $$ select tenant_id, queue, job_type, payload, status, priority, retry_count, max_retries, created_by, started_at, error_message
         from core.job_queue where id = (select id from made where name = 'plain') $$,
    $$ values (tests.id('north'), 'default', 'send_email', '{"to": "bob@example.test"}'::jsonb, 'pending', 0, 0, 3, tests.id('ann'), null::timestamptz, null::text) $$,
    'a job is pending, with what its type says');
select is((select scheduled_at <= clock_timestamp() from core.job_queue), true, 'and due at once');

savepoint undone;
insert into made select 'undone', core.enqueue('send_email', '{"to": "x@example.test"}');
select is((select count(*) from core.job_queue), 2::bigint, 'a second one is there');
rollback to undone;
select is((select count(*) from core.job_queue), 1::bigint, 'and goes when the business write is rolled back');

select throws_ok($$ select core.enqueue('no_such_type', '{}') $$, 'PT422', 'invalid', 'an unknown type is refused');
select throws_ok($$ select core.enqueue(null, '{}') $$, 'PT422', 'invalid', 'so is none');
select throws_ok($$ select core.enqueue('send_email', '{"cc": "x"}') $$, 'PT422', 'invalid', 'a payload without what the type needs is refused');
select is(
    tests.error_of($$ select core.enqueue('webhook_delivery', '{"event": "x"}') $$) ->> 'hint', '{"payload.url": "is required"}',
    'the hint names the key');
select throws_ok($$ select core.enqueue('send_email', '["to"]') $$, 'PT422', 'invalid', 'a payload that is no object is refused');
select throws_ok($$ select core.enqueue('send_email', null) $$, 'PT422', 'invalid', 'so is none');
select throws_ok($$ select core.enqueue('send_email', jsonb_build_object('to', repeat('x', 103000))) $$, 'PT422', 'invalid', 'a payload of more than 100 kB is refused');
select throws_ok($$ select core.enqueue_many('send_email', array['{"to": 1}', jsonb_build_object('to', repeat('x', 103000))]) $$, 'PT422', 'invalid', 'among many too');
savepoint large;
select lives_ok($$ select core.enqueue('send_email', jsonb_build_object('to', repeat('x', 100000))) $$, 'a smaller one is not');
rollback to large;
-- what one worker cannot read stops the whole batch
select throws_ok(format($$ select core.enqueue('send_email', %L) $$, input.payload), 'PT422', 'invalid', 'refused: ' || input.what)
  from (values
    ('a number no floating point has', '{"to": 1e5000}'), ('one below all of them', '{"to": [{"x": -1e5000}]}'), ('among many', '{"to": [' || repeat('1e308, ', 100) || '1.1e308]}'),
    ('numbers that are short only here', '{"to": [0' || repeat(', 1e-16000', 200) || ']}'),
    ('a document of 100 levels', '{"to": ' || repeat('[', 99) || '"x"' || repeat(']', 99) || '}'),
    ('one of thousands', '{"to": ' || repeat('[', 5000) || repeat(']', 5000) || '}')) as input (what, payload);
select throws_ok($$ select core.enqueue_many('send_email', array['{"to": 1}', '{"to": 1e5000}'::jsonb]) $$, 'PT422', 'invalid', 'nor is one among many');
savepoint plain;
select lives_ok(format($$ select core.enqueue('send_email', %L) $$, input.payload), 'queued: ' || input.what)
  from (values
    ('large numbers', '{"to": [1e308, -1e308' || repeat(', 1e-300', 5) || ']}'),
    ('98 levels below the first', '{"to": ' || repeat('[', 98) || '"x"' || repeat(']', 98) || '}'),
    ('long digits that are text', '{"to": "' || repeat('9', 9000) || '"}')) as input (what, payload);
rollback to plain;
select throws_ok($$ select core.enqueue('send_email', '{"to": "x"}', p_queue => 'nowhere') $$, 'PT422', 'invalid', 'an unknown queue is refused');
select lives_ok($$ select core.enqueue('send_email', '{"to": "x", "tenant_id": "somebody else"}') $$, 'what a payload says of tenants');
select is((select count(distinct tenant_id) from core.job_queue), 1::bigint, 'changes nothing: the tenant is the context''s');

-- priority, time
insert into made select 'urgent', core.enqueue('send_email', '{"to": "x"}', p_priority => 9);
insert into made select 'later', core.enqueue('send_email', '{"to": "x"}', p_run_at => clock_timestamp() + interval '1 hour');
select is((select priority from core.job_queue where id = (select id from made where name = 'urgent')), 9, 'a priority is kept');
select is((select status from core.job_queue where id = (select id from made where name = 'later')), 'pending', 'a delayed job is pending');
select ok((select scheduled_at > clock_timestamp() + interval '59 minutes' from core.job_queue where id = (select id from made where name = 'later')), 'until its time');

select throws_ok(format($$ select core.enqueue('send_email', '{"to": "x"}', p_priority => %s) $$, n), 'PT422', 'invalid', 'a priority is not ' || n)
  from unnest('{1001,-1001,2147483647}'::integer[]) as n;
select throws_ok($$ select core.enqueue_many('send_email', array['{"to": "x"}'::jsonb], 1001) $$, 'PT422', 'invalid', 'nor for many');
savepoint bounds;
select lives_ok($$ select core.enqueue('send_email', '{"to": "x"}', p_priority => n) from unnest('{1000,-1000}'::integer[]) as n $$, 'up to a thousand it may be');
rollback to bounds;
select throws_ok(format($$ select core.enqueue('send_email', '{"to": "x"}', p_run_at => %L) $$, moment), 'PT422', 'invalid', 'a job is not due at ' || moment)
  from unnest(array['infinity', '-infinity', '294276-12-31', '0044-03-15 BC', '1969-12-31 23:59:59+00', '9999-01-01 00:00:01+00']) as moment;
select throws_ok($$ select core.enqueue_many('send_email', array['{"to": "x"}'::jsonb], p_run_at => 'infinity') $$, 'PT422', 'invalid', 'nor are many');
select is(
    tests.error_of($$ select core.enqueue('send_email', '{"to": "x"}', p_run_at => 'infinity') $$) ->> 'hint', '{"run_at": "must be between 1970 and 9999"}',
    'the hint says why');
savepoint far;
select lives_ok($$ select core.enqueue('send_email', '{"to": "x"}', p_run_at => '1970-01-01+00'), core.enqueue('send_email', '{"to": "x"}', p_run_at => '9998-12-31+00') $$, 'a date of the calendar is far enough');
rollback to far;

-- dedupe
select throws_ok($$ select core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => repeat('k', 2001)) $$, 'PT422', 'invalid', 'a key longer than an index takes is refused');
savepoint long_key;
select lives_ok($$ select core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => (select left(string_agg(md5(n::text), ''), 2000) from generate_series(1, 63) as n)) $$, 'one that fits is not');
rollback to long_key;
insert into made select 'first', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'welcome-1');
insert into made select 'second', core.enqueue('send_email', '{"to": "y"}', p_dedupe_key => 'welcome-1');
insert into made select 'other type', core.enqueue('send_sms', '{"to": "y"}', p_dedupe_key => 'welcome-1');
insert into made select 'delayed', core.enqueue('send_email', '{"to": "x"}', p_run_at => clock_timestamp() + interval '1 hour', p_dedupe_key => 'welcome-2');
insert into made select 'delayed again', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'welcome-2');
select is((select id from made where name = 'second'), (select id from made where name = 'first'), 'a key in use gives the id of its job');
select is((select count(*) from core.job_queue where dedupe_key = 'welcome-1' and job_type = 'send_email'), 1::bigint, 'and adds none');
select isnt((select id from made where name = 'other type'), (select id from made where name = 'first'), 'another type has keys of its own');
select is((select id from made where name = 'delayed again'), (select id from made where name = 'delayed'), 'a delayed job holds its key too');
select tests.act_as('app_user', 'sue', 'south');
insert into made select 'south', core.enqueue('send_email', '{"to": "x"}', p_dedupe_key => 'welcome-1');
select isnt((select id from made where name = 'south'), (select id from made where name = 'first'), 'another tenant has keys of its own');

-- who sees what
select is((select count(*) from core.job_queue), 1::bigint, 'south sees its own job only');
select is((select count(*) from core.find_job((select id from made where name = 'plain'))), 0::bigint, 'and not a north job by its exact id');
select is((select count(*) from core.find_job((select id from made where name = 'south'))), 1::bigint, 'but its own');
select tests.act_as_admin();
select tests.member('north', 'bob', 'MEMBER');
select tests.act_as('app_user', 'bob', 'north');
select is_empty($$ select from core.job_queue $$, 'a member without jobs_queue.view sees no jobs');
select lives_ok($$ select core.enqueue('send_email', '{"to": "x"}') $$, 'but may queue them');
select throws_ok($$ select from core.jobs_ready $$, '42501', 'permission denied for table jobs_ready', 'nobody reads the tables behind it');
select throws_ok($$ select core.enqueue_for(tests.id('south'), 'send_email', '{"to": "x"}') $$, '42501', 'permission denied for function enqueue_for', 'nobody names another tenant');
select throws_ok($$ select core.add_job(tests.id('south'), null, 'send_email', '{"to": "x"}', 0, now(), null, 'default', false) $$, '42501', 'permission denied for function add_job', 'by no door');
select throws_ok($$ select core.next_jobs('thief') $$, '42501', 'permission denied for function next_jobs', 'nor takes jobs');

select tests.act_as('app_user', 'ann');
select throws_ok($$ select core.enqueue('send_email', '{"to": "x"}') $$, 'PT403', 'forbidden', 'without a tenant there is no job');
select tests.act_as('app_user');
select throws_ok($$ select core.enqueue('send_email', '{"to": "x"}') $$, 'PT401', 'unauthenticated', 'nor without a person');
select throws_ok($$ select core.enqueue_many('send_email', array['{"to": "x"}'::jsonb]) $$, 'PT401', 'unauthenticated', 'nor many');

-- internal types
select tests.act_as_admin();
insert into core.job_types (job_type, class, required_keys, is_internal) values ('closed', 'immediate', '{key}', true), ('open', 'immediate', '{key}', false);
select tests.act_as('app_user', 'ann', 'north');
select results_eq(
    $$ select e ->> 'code', e ->> 'message', e ->> 'hint' from tests.error_of('select core.enqueue(''closed'', ''{"key": 1}'')') as e $$,
    $$ values ('PT403', 'forbidden', '{"job_type": "internal"}') $$, 'a type for functions of the database is refused');
select lives_ok($$ select core.enqueue('open', '{"key": 1}') $$, 'the same type is not, where it is open');
select throws_ok($$ select core.enqueue_batch('[{"job_type": "closed", "payload": {"key": 1}}]') $$, 'PT403', 'forbidden', 'refused in a batch');
select throws_ok($$ select core.enqueue('send_alert', '{"rule": "x", "message": "all is well"}') $$, 'PT403', 'forbidden', 'nobody speaks for the alerts');
select throws_ok($$ select core.enqueue('tenant_invite', '{"invite_id": "x"}') $$, 'PT403', 'forbidden', 'or sends invitations that no limit counts');
select tests.act_as('app_definer');
select lives_ok($$ select core.enqueue_for(tests.id('north'), 'closed', '{"key": 1}') $$, 'functions of the database queue it');
select throws_ok($$ select core.enqueue_for(tests.id('north'), 'closed', '{}') $$, 'PT422', 'invalid', 'with the payload it needs');

-- the platform's own, and a deleted tenant's
select tests.act_as('app_definer');
insert into made select 'platform', core.enqueue_for(null, 'data_cleanup');
select is((select tenant_id from core.all_jobs where id = (select id from made where name = 'platform')), null, 'a platform job has no tenant');
select throws_ok($$ select core.enqueue_for(tests.id('nobody'), 'data_cleanup') $$, 'PT404', 'not_found', 'a tenant that is not there has no jobs');
select tests.act_as_admin();
delete from core.memberships where tenant_id = tests.id('south');
delete from core.tenants where id = tests.id('south');
select is((select count(*) from core.all_jobs where tenant_id = tests.id('south')), 0::bigint, 'jobs go with their tenant');

select * from finish();
rollback;

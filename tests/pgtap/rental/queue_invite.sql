-- rental.queue_invite: the one way to an invitation's e-mail, and each call counts.
begin;
select plan(16);

select tests.landlord('north'), tests.landlord('south');
create temp table issued (name text primary key, id uuid);
grant all on issued to app_user;
select tests.act_as('app_user', 'south', 'south');
insert into issued select 'south''s', invite_id from rental.create_tenant_invite('F', 'L', 'south@example.test');
select tests.act_as('app_user', 'north', 'north');
insert into issued select name, (rental.create_tenant_invite('F', 'L', name || '@example.test')).invite_id from unnest(array['open', 'claimed', 'expired']) as name;
select tests.act_as_admin();
update rental.tenant_invites set claimed_at = now() where id = (select id from issued where name = 'claimed');
update rental.tenant_invites set expires_at = now() where id = (select id from issued where name = 'expired');
delete from core.jobs_ready;
delete from core.job_keys;
create function pg_temp.queue(p_name text) returns uuid
    language sql return rental.queue_invite((select id from issued where name = p_name));

select tests.act_as('app_user', 'north', 'north');
select isnt(pg_temp.queue('open'), null, 'an own open invitation is queued');
select is(pg_temp.queue('open'), (select id from core.job_queue where job_type = 'tenant_invite'), 'once, however often it is asked for');
select results_eq(
    $$ select tenant_id, created_by, status, priority, dedupe_key, payload from core.job_queue where job_type = 'tenant_invite' $$,
    $$ select tests.id('north'), tests.id('north'), 'pending', 0, id::text, jsonb_build_object('invite_id', id) from issued where name = 'open' $$,
    'by whom and for whom stands in the job');
select throws_ok($$ select pg_temp.queue('claimed') $$, 'PT403', 'forbidden', 'a claimed one is not');
select throws_ok($$ select pg_temp.queue('expired') $$, 'PT403', 'forbidden', 'an expired one neither');
select throws_ok($$ select pg_temp.queue('south''s') $$, 'PT403', 'forbidden', 'another landlord''s is none');
select is(
    tests.error_of($$ select pg_temp.queue('south''s') $$), tests.error_of($$ select rental.queue_invite(gen_random_uuid()) $$),
    'and looks as one that never was');
select throws_ok($$ select pg_temp.queue('none') $$, 'PT403', 'forbidden', 'no invitation is none');

-- no way around
select throws_ok(
    $$ select core.enqueue('tenant_invite', jsonb_build_object('invite_id', (select id from issued where name = 'open'))) $$,
    'PT403', 'forbidden', 'nobody queues the e-mail past the count');
select lives_ok($$ select core.enqueue('send_email', '{"to": "x"}') $$, 'other jobs are');
select tests.act_as_admin();
delete from core.rate_limits;
update core.rate_limit_policies set max_requests = 2 where name = 'invites';
select tests.act_as('app_user', 'north', 'north');
select lives_ok($$ select pg_temp.queue('open') $$, 'call ' || n) from generate_series(1, 2) as n;
select throws_ok($$ select pg_temp.queue('open') $$, 'PT429', 'rate_limited', 'each call counts');
select tests.act_as('app_user', 'south', 'south');
select lives_ok($$ select pg_temp.queue('south''s') $$, 'for who makes it');

select tests.act_as('app_user');
select throws_ok($$ select rental.queue_invite(tests.id('x')) $$, 'PT401', 'unauthenticated', 'nobody signed in queues nothing');
select tests.act_as('app_user', 'north');
select throws_ok($$ select rental.queue_invite(tests.id('x')) $$, 'PT403', 'forbidden', 'nor somebody who names no landlord');

select * from finish();
rollback;

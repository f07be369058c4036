-- core.rate_limit: exact at the boundary, keyed by who asks, refusals that are neither counted nor written.
begin;
select plan(73);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob', 'MEMBER');
insert into core.rate_limit_policies (name, subject_kind, max_requests, window_seconds, fail_mode, algorithm)
values ('three', 'user', 3, 60, 'open', 'exact'), ('once', 'user', 1, 60, 'open', 'exact'), ('all', 'global', 2, 60, 'open', 'exact'),
       ('leak', 'user', 6, 60, 'open', 'gcra'), ('odd', 'user', 7, 60, 'open', 'gcra');

-- Time passes by moving what was counted into the past.
create function tests.pass(p_seconds numeric) returns void
    language sql security definer
as $$
    update core.rate_limits
       set hits = array(select h - p_seconds * interval '1 second' from unnest(hits) with ordinality as u (h, n) order by n),
           next_at = next_at - p_seconds * interval '1 second',
           tat = tat - p_seconds * interval '1 second',
           recorded_until = recorded_until - p_seconds * interval '1 second',
           updated_at = updated_at - p_seconds * interval '1 second'
$$;
-- Until so much is left of a refusal: what the test itself has taken by then does not count.
create function tests.pass_until_left(p_policy text, p_seconds numeric) returns void
    language sql security definer
as $$
    select tests.pass(extract(epoch from r.next_at - clock_timestamp()) - p_seconds) from core.rate_limits as r where r.policy = p_policy
$$;
create function tests.ask(p_policy text, p_times integer, p_key text default null) returns text
    language plpgsql
as $$
declare
    v_allowed text := '';
begin
    for n in 1..p_times loop
        v_allowed := v_allowed || (select case when r.allowed then '+' else '-' end from core.rate_limit(p_policy, p_key) as r);
    end loop;
    return v_allowed;
end
$$;
-- What counts are characters of the caller's own key, whosever it is and however many bytes they have
create function tests.refused_lengths(p_letter text) returns text language plpgsql as $$
begin
    perform tests.ask('once', 1, repeat(p_letter, 255));
    perform tests.ask('once', 1, repeat(p_letter, 256));
    return 'none';
exception
    when sqlstate 'PT400' then
        perform tests.ask('once', 1, repeat(p_letter, 255));
        return '256';
end
$$;

-- The shipped policies, R-X-76.
select results_eq(
    $$ select name collate "C", max_requests, window_seconds, fail_mode, algorithm from core.rate_limit_policies
        where name in ('user', 'ip', 'strict', 'landlord_api') order by 1 $$,
    $$ values ('ip' collate "C", 20, 60, 'open', 'exact'), ('landlord_api', 60, 60, 'open', 'exact'), ('strict', 5, 60, 'closed', 'exact'), ('user', 100, 60, 'open', 'exact') $$,
    'the policies every installation has');
select tests.act_as('app_user', 'ann', 'north');
select is(tests.ask('user', 101), repeat('+', 100) || '-', 'the 101st request of a user in a minute is refused');
select is(tests.ask('landlord_api', 61), repeat('+', 60) || '-', 'the 61st of a landlord');
select is(tests.ask('strict', 6), '+++++-', 'the 6th of a sensitive function');
select tests.act_as('app_anon');
select set_config('app.client_ip', '192.0.2.7', true);
select is(tests.ask('ip', 21), repeat('+', 20) || '-', 'the 21st of an address');

-- The answer, exact at the boundary, R-X-78.
select tests.act_as('app_user', 'ann', 'north');
select results_eq(
    $$ select allowed, max_requests, remaining, retry_after, round(extract(epoch from reset_at - clock_timestamp())) from core.rate_limit('three') $$,
    $$ values (true, 3, 2, 0, 60::numeric) $$, 'the first request leaves two, and a minute until it leaves the window');
select tests.pass(20);
select results_eq($$ select allowed, remaining, retry_after, round(extract(epoch from reset_at - clock_timestamp())) from core.rate_limit('three') $$,
    $$ values (true, 1, 0, 40::numeric) $$, 'the second leaves one');
select tests.pass(20);
select results_eq($$ select allowed, remaining, retry_after, round(extract(epoch from reset_at - clock_timestamp())) from core.rate_limit('three') $$,
    $$ values (true, 0, 0, 20::numeric) $$, 'the third none');
select results_eq($$ select allowed, max_requests, remaining, retry_after, round(extract(epoch from reset_at - clock_timestamp())) from core.rate_limit('three') $$,
    $$ values (false, 3, 0, 20, 20::numeric) $$, 'the fourth is refused until the first leaves the window');
select tests.pass_until_left('three', 1.5);
select results_eq($$ select allowed, retry_after from core.rate_limit('three') $$, $$ values (false, 2) $$, 'a part of a second is a whole one to wait');
select tests.pass_until_left('three', 0.5);
select results_eq($$ select allowed, retry_after from core.rate_limit('three') $$, $$ values (false, 1) $$, 'the last moment before');
select tests.pass_until_left('three', 0);
select results_eq($$ select allowed, remaining, round(extract(epoch from reset_at - clock_timestamp())) from core.rate_limit('three') $$, $$ values (true, 0, 20::numeric) $$,
    'allowed again when the oldest has left, and the next leaves 20 seconds later');
select is(tests.ask('three', 2), '--', 'only one');
select tests.pass(60);
select is(tests.ask('three', 4), '+++-', 'a whole window later all of them');

-- A refused request is not added to the window, R-X-84.
select is(tests.ask('once', 1), '+', 'one');
select tests.pass(30);
select is(tests.ask('once', 10), repeat('-', 10), 'hammering is refused');
select tests.pass(30.1);
select is(tests.ask('once', 1), '+', 'and does not extend the block');

-- Keys, R-X-79.
select tests.act_as('app_user', 'ann', 'north');
select tests.pass(120);
select is(tests.ask('once', 2), '+-', 'ann has used hers');
select tests.act_as('app_user', 'bob', 'north');
select is(tests.ask('once', 2), '+-', 'bob has his own');
select tests.act_as('app_user', 'bob');
select is(tests.ask('once', 1), '-', 'with and without a tenant he is the same');
select tests.act_as('app_anon');
select set_config('app.client_ip', '192.0.2.8', true);
select is(tests.ask('once', 2), '+-', 'without a user it is the address');
select set_config('app.client_ip', '192.0.2.9', true);
select is(tests.ask('once', 1), '+', 'another address is another');
select set_config('app.client_ip', 'unknown', true);
select throws_ok($$ select core.rate_limit('once') $$, 'PT400', 'bad_request', 'neither user nor address: no shared bucket');
select is(tests.ask('once', 2, 'k'), '+-', 'a key of the caller''s own needs neither');
select tests.act_as('app_user', 'ann', 'north');
select is(tests.ask('once', 2, 'k'), '+-', 'the same key of a tenant is another');
select tests.act_as('app_user', 'bob', 'north');
select is(tests.ask('once', 1, 'k'), '-', 'which its members share');
select tests.act_as('app_user', 'sue', 'south');
select is(tests.ask('once', 2, 'k'), '+-', 'and another tenant does not');
select is(tests.ask('once', 1, tests.id('ann')::text), '+', 'nor does the id of somebody else as a key reach their count');
select is(tests.ask('once', 2, 'user:' || tests.id('bob')), '+-', 'or its stored form');
select tests.act_as('app_user', 'sue');
select is(tests.ask('once', 2, 'k'), '+-', 'without a tenant a key is the user''s own');
select tests.act_as('app_user', 'ann', 'north');
select set_config('app.client_ip', '192.0.2.20', true);
select is(tests.ask('ip', 21), repeat('+', 20) || '-', 'a policy by address counts a signed-in user by address');
select tests.act_as('app_user', 'bob', 'north');
select set_config('app.client_ip', '192.0.2.20', true);
select is(tests.ask('ip', 1), '-', 'so two users of one address share it');
select tests.act_as('app_user', 'bob', 'north');
select is(tests.ask('ip', 1), '+', 'and without an address it is the user');
select is(tests.ask('all', 2), '++', 'a global policy counts everybody');
select tests.act_as('app_user', 'sue', 'south');
select is(tests.ask('all', 1), '-', 'together');
select throws_ok($$ select core.rate_limit('no_such') $$, 'PT422', 'invalid', 'an unknown policy is an error');
select throws_ok($$ select core.rate_limit('once', repeat('x', 300)) $$, 'PT400', 'bad_request', 'a long key is one');
select is(tests.ask('once', 1, repeat('x', 200)), '+', 'a shorter one is none');
select is(tests.refused_lengths(letter), '256', format('255 letters %s are a key within a tenant, 256 are not', letter)) from unnest(array['x', 'é', '😀', 't']) as letter;
select tests.act_as('app_user', 'sue');
select is(tests.refused_lengths(letter), '256', format('and %s of a user', letter)) from unnest(array['x', 'é', '😀', 't']) as letter;
select tests.act_as('app_anon');
select is(tests.refused_lengths(letter), '256', format('and %s of nobody', letter)) from unnest(array['x', 'é', '😀', 't']) as letter;
select tests.act_as('app_user', 'sue', 'south');

-- Violations, R-X-82: one a key and window, and every refusal in the count.
select tests.act_as_admin();
select core.rate_limit_refusal_count() as refused_before \gset
delete from core.rate_limit_violations;
delete from core.rate_limits;
select tests.act_as('app_user', 'ann', 'north');
select is(tests.ask('once', 6), '+-----', 'five refusals');
select tests.act_as_admin();
select is(core.rate_limit_refusal_count(), :refused_before + 5::bigint, 'are five in the count');
select results_eq($$ select policy, key, tenant_id, retry_after from core.rate_limit_violations $$,
    $$ values ('once', 'user:' || tests.id('ann'), tests.id('north'), 60) $$, 'and one violation');
select tests.pass(61);
select tests.act_as('app_user', 'ann', 'north');
select is(tests.ask('once', 3), '+--', 'in the next window');
select tests.act_as('app_monitor');
select results_eq($$ select violations, keys from core.rate_limit_report() where policy = 'once' $$, $$ values (2::bigint, 1::bigint) $$, 'is another');
select results_eq($$ select violations, last_at from core.rate_limit_report() where policy = 'strict' $$, $$ values (0::bigint, null::timestamptz) $$, 'a policy nobody ran into is in the report, too');

-- gcra: a burst, then one every ten seconds.
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select allowed, remaining, retry_after, round(extract(epoch from reset_at - clock_timestamp())) from core.rate_limit('leak') $$,
    $$ values (true, 5, 0, 10::numeric) $$, 'gcra: the first leaves five, and drains in ten seconds');
select is(tests.ask('leak', 6), '+++++-', 'a burst of six');
select results_eq($$ select allowed, remaining, retry_after from core.rate_limit('leak') $$, $$ values (false, 0, 10) $$, 'then one every ten seconds');
select tests.pass(10);
select is(tests.ask('leak', 2), '+-', 'ten seconds later one');
select tests.pass(25);
select is(tests.ask('leak', 3), '++-', '25 seconds later two');
select is(tests.ask('odd', 8), '+++++++-', 'a burst is whole where the share of one request is not');

-- Another policy counts at once, also for who is blocked.
select tests.act_as_admin();
delete from core.rate_limits;
select tests.act_as('app_user', 'ann', 'north');
select is(tests.ask('three', 4), '+++-', 'blocked at three');
select tests.act_as_admin();
update core.rate_limit_policies set max_requests = 5 where name = 'three';
select tests.act_as('app_user', 'ann', 'north');
select is(tests.ask('three', 3), '++-', 'five are two more');
select tests.act_as_admin();
update core.rate_limit_policies set max_requests = 2 where name = 'three';
select tests.pass(59);
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select allowed, max_requests, retry_after from core.rate_limit('three') $$, $$ values (false, 2, 1) $$, 'of a lower limit the newest count');

-- The clock was set back: what was counted in the future binds nobody.
select tests.pass(-7200);
select is(tests.ask('three', 3), '++-', 'after the clock was set back the window begins anew');

-- Read-only transactions cannot count.
savepoint before;
set local transaction_read_only = on;
select results_eq($$ select allowed, max_requests, remaining, retry_after from core.rate_limit('user') $$, $$ values (true, 100, null::int, 0) $$, 'read-only: an open policy allows');
select results_eq($$ select allowed, max_requests, remaining, retry_after from core.rate_limit('strict') $$, $$ values (false, 5, 0, 1) $$, 'read-only: a closed one refuses');
select throws_ok($$ select core.rate_limit('no_such') $$, 'PT422', 'invalid', 'read-only: an unknown policy is an error all the same');
rollback to before;

-- Who may.
select tests.act_as('app_worker');
select throws_ok($$ select core.rate_limit('user', 'k') $$, '42501', 'permission denied for function rate_limit', 'a worker does not ask');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.count_request('user', 'user:' || tests.id('bob')) $$, '42501', 'permission denied for function count_request', 'nobody counts for others');
select throws_ok($$ select core.rate_limit_report() $$, '42501', 'permission denied for function rate_limit_report', 'the report is for the monitor');
select throws_ok($$ select core.rate_limit_refusal_count() $$, '42501', 'permission denied for function rate_limit_refusal_count', 'the count too');

select * from finish();
rollback;

-- core.record_login: five failures in 15 minutes lock an address, whether or not it has an account.
begin;
select plan(22);

select tests.person('ann');

create function tests.fail(p_email text, p_times integer) returns void
    language plpgsql
as $$
begin
    for attempt in 1..p_times loop
        perform core.record_login(p_email, false, 'bad password');
    end loop;
end
$$;

select tests.act_as('app_anon');
select set_config('app.client_ip', '192.0.2.7', true);
select lives_ok($$ select tests.fail('Ann@Example.test', 4) $$, 'four failures are recorded');
select lives_ok($$ select core.record_login('ann@example.test', true) $$, 'a success too');
select lives_ok($$ select tests.fail('ann@example.test', 5) $$, 'which forgives the failures before');
select throws_ok($$ select tests.fail('ann@example.test', 1) $$, 'PT429', 'rate_limited', 'the sixth in a row is refused');
select throws_ok($$ select core.record_login('ann@example.test', true) $$, 'PT429', 'rate_limited', 'and so is the right password meanwhile');
select is((tests.error_of($$ select tests.fail('ann@example.test', 1) $$) ->> 'hint')::jsonb - 'retry_after', '{"limit": 5, "remaining": 0}'::jsonb, 'the hint names the limit');
select ok((tests.error_of($$ select tests.fail('ann@example.test', 1) $$) ->> 'hint')::jsonb ->> 'retry_after' in ('899', '900'), 'and when to try again');
select lives_ok($$ select tests.fail('nobody@example.test', 5) $$, 'an address without account counts');
select is(
    tests.error_of($$ select tests.fail('nobody@example.test', 1) $$) - 'hint',
    tests.error_of($$ select tests.fail('ann@example.test', 1) $$) - 'hint',
    'and locks the very same way');
select lives_ok($$ select core.record_login('other@example.test', true) $$, 'others sign in');

select tests.act_as_admin();
select results_eq(
    $$ select user_id, client_ip, succeeded, reason, count(*) from core.login_attempts where email = 'ann@example.test' group by 1, 2, 3, 4 order by succeeded $$,
    $$ values (tests.id('ann'), inet '192.0.2.7', false, 'bad password', 9::bigint), (tests.id('ann'), inet '192.0.2.7', true, null, 1::bigint) $$,
    'what was refused is not recorded, the rest is');
select is((select count(*) from core.login_attempts where email = 'nobody@example.test' and user_id is null), 5::bigint, 'an address without account has no person');
update core.login_attempts set created_at = created_at - interval '15 minutes';
select tests.act_as('app_anon');
select lives_ok($$ select core.record_login('ann@example.test', false) $$, 'after 15 minutes the address is open again');
select lives_ok($$ select core.record_login('ann@example.test', true) $$, 'for the right password too');

select throws_ok($$ select core.record_login('no address', false) $$, 'PT422', 'invalid', 'a malformed address is refused');
select throws_ok($$ select core.record_login(null, false) $$, 'PT422', 'invalid', 'or none');
select throws_ok($$ select core.record_login('ann@example.test', null) $$, 'PT422', 'invalid', 'or no outcome');
select tests.act_as('app_user', 'ann');
select throws_ok($$ select core.record_login('ann@example.test', true) $$, '42501', 'permission denied for function record_login', 'a signed-in person does not forgive failures');


-- One client address that tries many accounts, R-X-83.
select tests.act_as_admin();
create function tests.spray(p_times integer) returns void
    language plpgsql
as $$
begin
    for attempt in 1..p_times loop
        perform core.record_login('victim' || attempt || '@example.test', false, 'bad password');
    end loop;
end
$$;
select tests.act_as('app_anon');
select set_config('app.client_ip', '192.0.2.99', true);
select lives_ok($$ select tests.spray(20) $$, 'twenty attempts of an address in a minute are recorded');
select throws_ok($$ select core.record_login('one.more@example.test', true) $$, 'PT429', 'rate_limited', 'the next is refused, whatever account it is for');
select set_config('app.client_ip', '192.0.2.98', true);
select lives_ok($$ select core.record_login('one.more@example.test', true) $$, 'another address signs in');
select tests.act_as_admin();
update core.rate_limit_policies set max_requests = 2 where name = 'login';
select tests.act_as('app_anon');
select throws_ok($$ select tests.fail('tuned@example.test', 3) $$, 'PT429', 'rate_limited', 'the number of failures is the policy''s');

select * from finish();
rollback;

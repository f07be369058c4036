-- core.rate_limit_or_raise: the error of a refusal, and that it records nothing.
begin;
select plan(7);

select tests.tenant('north', 'crm', 'ann');
insert into core.rate_limit_policies (name, subject_kind, max_requests, window_seconds) values ('two', 'user', 2, 60);

select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select core.rate_limit_or_raise('two') $$, 'the first');
select lives_ok($$ select core.rate_limit_or_raise('two') $$, 'and the second pass');
select throws_ok($$ select core.rate_limit_or_raise('two') $$, 'PT429', 'rate_limited', 'the third does not');
select is(tests.error_of($$ select core.rate_limit_or_raise('two') $$) ->> 'hint', '{"limit": 2, "remaining": 0, "retry_after": 60}', 'the hint is for machines');
select lives_ok($$ select core.rate_limit_or_raise('two', 'other') $$, 'another key passes');
select throws_ok($$ select core.rate_limit_or_raise('no_such') $$, 'PT422', 'invalid', 'an unknown policy is an error');
select tests.act_as_admin();
select is_empty($$ select from core.rate_limit_violations $$, 'a refusal that ends in an error leaves no row');

select * from finish();
rollback;

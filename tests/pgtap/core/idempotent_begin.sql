-- core.idempotent_begin, _claim, _finish, _release: once per tenant, scope, key and request.
begin;
select plan(51);

select tests.tenant('north', 'crm', 'ann'), tests.member('north', 'bob', 'MEMBER'), tests.tenant('south', 'crm', 'sue');

-- One transaction.
select tests.act_as('app_user', 'ann', 'north');
select is(core.idempotent_begin('payments.create', 'k1', '{"amount": 5}'), null, 'the first time: go on');
select lives_ok($$ select core.idempotent_finish('payments.create', 'k1', '{"id": 1}') $$, 'the response is stored');
select is(core.idempotent_begin('payments.create', 'k1', '{"amount": 5}'), '{"id": 1}', 'the second time the stored response comes back');
select is(core.idempotent_begin('payments.create', 'k1', '{ "amount":5 }'), '{"id": 1}', 'spaces are not another request');
select throws_ok($$ select core.idempotent_begin('payments.create', 'k1', '{"amount": 6}') $$, 'PT409', 'idempotency_mismatch', 'another amount is');
select throws_ok($$ select core.idempotent_begin('payments.create', 'k1', null) $$, 'PT409', 'idempotency_mismatch', 'and so is none');
select is(core.idempotent_begin('payments.refund', 'k1', '{"amount": 5}'), null, 'another scope is another key');
select is(core.idempotent_begin('payments.create', 'k2', '{"amount": 5}'), null, 'another key, too');
select tests.act_as('app_user', 'bob', 'north');
select is(core.idempotent_begin('payments.create', 'k1', '{"amount": 5}'), '{"id": 1}', 'a colleague who repeats the request gets the same answer');
select tests.act_as('app_user', 'sue', 'south');
select is(core.idempotent_begin('payments.create', 'k1', '{"amount": 5}'), null, 'another tenant with the same key is independent');
select throws_ok($$ select core.idempotent_finish('payments.create', 'k2', '{"id": 9}') $$, 'PT409', 'conflict', 'and finishes nothing of others');
select is(core.idempotent_release('payments.create', 'k2', 1), false, 'or gives it up');
select lives_ok($$ select core.idempotent_finish('payments.create', 'k1', '{"id": 2}') $$, 'its own it does');
select tests.act_as('app_user', 'ann', 'north');
select is(core.idempotent_begin('payments.create', 'k1', '{"amount": 5}'), '{"id": 1}', 'the response of the first is untouched');
select throws_ok($$ select core.idempotent_begin('payments.create', 'k2', '{"amount": 5}') $$, 'PT409', 'idempotency_in_progress', 'what was begun is in progress');
select is((tests.error_of($$ select core.idempotent_begin('payments.create', 'k2', '{"amount": 5}') $$) ->> 'hint')::jsonb, '{"retry_after": 60}', 'for the lease of a minute');
select lives_ok($$ select core.idempotent_finish('payments.create', 'k2', null) $$, 'a response of nothing');
select is(core.idempotent_begin('payments.create', 'k2', '{"amount": 5}'), 'null'::jsonb, 'is replayed as nothing, not as go on');
savepoint undone;
select is(core.idempotent_begin('payments.create', 'k3', '{}'), null, 'begun');
rollback to undone;
select is(core.idempotent_begin('payments.create', 'k3', '{}'), null, 'and undone: go on');

-- Finishing.
select lives_ok($$ select core.idempotent_finish('payments.create', 'k1', '{"id": 1}') $$, 'finishing twice with one response is once');
select throws_ok($$ select core.idempotent_finish('payments.create', 'k1', '{"id": 3}') $$, 'PT409', 'conflict', 'a finished request gets no other response');
select throws_ok($$ select core.idempotent_finish('payments.create', 'nothing', '{}') $$, 'PT409', 'conflict', 'nor does one that never began');
select throws_ok(
    $$ select core.idempotent_finish('payments.create', 'k3', jsonb_build_object('v', repeat('x', 65536))) $$, 'PT422', 'invalid', 'a response over 64 kB is refused');
select lives_ok($$ select core.idempotent_finish('payments.create', 'k3', jsonb_build_object('v', repeat('x', 65000))) $$, 'a smaller one is kept');

-- Two transactions: claim, work, finish; a lease that ran out.
select results_eq($$ select outcome, response, attempt, retry_after from core.idempotency_claim('import', 'k', '{"file": 1}', '30 seconds') $$,
    $$ values ('new', null::jsonb, 1, null::int) $$, 'claimed');
select results_eq($$ select outcome, response, attempt, retry_after from core.idempotency_claim('import', 'k', '{"file": 1}') $$,
    $$ values ('in_progress', null::jsonb, 1, 30) $$, 'in progress until the lease ends');
select results_eq($$ select outcome, response, attempt from core.idempotency_claim('import', 'k', '{"file": 2}') $$, $$ values ('mismatch', null::jsonb, 1) $$, 'for the same request');
select tests.act_as_admin();
update core.idempotency_keys set lease_until = clock_timestamp() - interval '1 second' where scope = 'import';
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select outcome, attempt from core.idempotency_claim('import', 'k', '{"file": 2}') $$, $$ values ('mismatch', 1) $$, 'another request does not take it over');
select results_eq($$ select outcome, attempt from core.idempotency_claim('import', 'k', '{"file": 1}') $$, $$ values ('new', 2) $$, 'the same does');
select throws_ok($$ select core.idempotent_finish('import', 'k', '{"by": 1}', 1) $$, 'PT409', 'conflict', 'the late response of the first attempt is refused');
select is(core.idempotent_release('import', 'k', 1), false, 'and its giving up does nothing');
select lives_ok($$ select core.idempotent_finish('import', 'k', '{"by": 2}', 2) $$, 'the second attempt finishes');
select results_eq($$ select outcome, response, attempt from core.idempotency_claim('import', 'k', '{"file": 1}') $$, $$ values ('replay', '{"by": 2}'::jsonb, 2) $$, 'and is replayed');
select is(core.idempotent_release('import', 'k', 2), false, 'what is finished is not given up');
select results_eq($$ select outcome, attempt from core.idempotency_claim('import', 'other', '{}') $$, $$ values ('new', 1) $$, 'another request');
select is(core.idempotent_release('import', 'other', 1), true, 'is given up');
select results_eq($$ select outcome, attempt from core.idempotency_claim('import', 'other', '{"file": 3}') $$, $$ values ('new', 1) $$, 'and its key free for anything');

-- Expiry after 24 hours, R-X-36.
select tests.act_as_admin();
select is(expires_at - created_at, '24 hours', 'a key lives for 24 hours') from core.idempotency_keys where scope = 'import' and idempotency_key = 'k';
update core.idempotency_keys set expires_at = clock_timestamp() - interval '1 second' where scope = 'import' and idempotency_key = 'k';
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select outcome, attempt from core.idempotency_claim('import', 'k', '{"file": 4}') $$, $$ values ('new', 3) $$, 'an expired key is free even before the purge');
select tests.act_as_admin();
update core.idempotency_keys set expires_at = clock_timestamp() - interval '1 second' where idempotency_key in ('k', 'k3');
select tests.act_as('app_definer');
select is(core.purge_idempotency_keys(1), 1, 'the purge takes no more than asked for');
select is(core.purge_idempotency_keys(), 1, 'then the rest');
select is(core.purge_idempotency_keys(), 0, 'a second run finds nothing');
select results_eq(
    $$ select scope collate "C", idempotency_key collate "C" from core.idempotency_keys where tenant_id = tests.id('north') order by 1, 2 $$,
    $$ values ('import' collate "C", 'other' collate "C"), ('payments.create', 'k1'), ('payments.create', 'k2'), ('payments.refund', 'k1') $$, 'live keys stay');

-- Malformed, and who may.
select tests.act_as('app_user', 'ann', 'north');
select throws_ok(format($$ select core.idempotent_begin(%L, %L, '{}') $$, input.scope, input.key), 'PT400', 'bad_request', 'refused: ' || input.what)
  from (values ('no scope', null, 'k'), ('a scope with spaces', 'a b', 'k'), ('no key', 's', null), ('an empty key', 's', ''), ('a long key', 's', repeat('k', 256)))
    as input (what, scope, key);
select tests.act_as('app_user', 'ann');
select throws_ok($$ select core.idempotent_begin('s', 'k', '{}') $$, 'PT403', 'forbidden', 'keys belong to a tenant');
select throws_ok($$ select from core.idempotency_keys $$, '42501', 'permission denied for table idempotency_keys', 'the table is closed');

select * from finish();
rollback;

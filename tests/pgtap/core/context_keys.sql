-- core.context_keys: secret, one live row, rotated without a gap.
begin;
select plan(18);

select tests.tenant('north', 'crm', 'ann');
select core.ensure_context_key();

select results_eq($$ select count(*) from core.context_keys where retired_at is null $$, $$ values (1::bigint) $$, 'there is one live key');
select core.ensure_context_key();
select results_eq($$ select count(*) from core.context_keys where retired_at is null $$, $$ values (1::bigint) $$, 'ensuring again makes no second one');
select throws_ok($$ insert into core.context_keys (key) values (core.random_context_key()) $$, '23505', null, 'nor can there be one');
select is(length(core.random_context_key()), 128, 'a key is two hash blocks');
select isnt(core.random_context_key(), core.random_context_key(), 'no two keys are the same');

-- closed
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select key from core.context_keys $$, '42501', 'permission denied for table context_keys', 'an application role cannot read keys');
select throws_ok($$ select core.ensure_context_key() $$, '42501', 'permission denied for function ensure_context_key', 'nor make one');
select throws_ok($$ select core.rotate_context_key() $$, '42501', 'permission denied for function rotate_context_key', 'nor rotate them');
select throws_ok($$ select core.seal_holds() $$, '42501', 'permission denied for function seal_holds', 'nor call the check');
select tests.act_as('app_definer');
select results_eq($$ select count(*) from core.context_keys where retired_at is null $$, $$ values (1::bigint) $$, 'definer functions read the key');

-- rotation
select tests.act_as('app_platform_admin', 'ann', 'north');
select core.rotate_context_key();
select is(core.active_tenant_id(), tests.id('north'), 'a context sealed before the rotation holds to the end of its transaction');
select tests.act_as_admin();
select results_eq($$ select count(*) from core.context_keys where retired_at is null $$, $$ values (1::bigint) $$, 'one key is live again');
select tests.act_as('app_platform_admin');
select throws_ok($$ select core.rotate_context_key(interval '-1 second') $$, 'PT400', 'bad_request', 'no key ends before it began to');
select throws_ok($$ select core.rotate_context_key(null) $$, 'PT400', 'bad_request', 'or never');
select tests.act_as_admin();
-- The retired key is now the last row of the table, too.
update core.context_keys set retired_at = retired_at where retired_at is not null;
select tests.act_as('app_user', 'ann', 'north');
select is(core.active_tenant_id(), tests.id('north'), 'a new context after it holds');
select set_config('tests.sealed_with', split_part(current_setting('app.seal'), '.', 1), true);
select tests.act_as_admin();
select is(current_setting('tests.sealed_with'), (select k.id::text from core.context_keys as k where k.retired_at is null), 'sealed with the new key');
select tests.act_as_admin();
select core.set_context(tests.id('ann'), tests.id('north'));
-- what a later transaction sees: the key retired before it began
update core.context_keys set retired_at = now();
select is(core.active_tenant_id(), null, 'no seal of a retired key holds in a later transaction');

-- a database that was never seeded
delete from core.context_keys;
select core.set_context(tests.id('ann'), tests.id('north'));
select is(core.active_tenant_id(), tests.id('north'), 'the first context makes the key');

select * from finish();
rollback;

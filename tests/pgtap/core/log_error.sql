-- core.log_error: who, where, what, and no secret.
begin;
select plan(13);

select tests.tenant('north', 'crm', 'ann');

select tests.act_as('app_user', 'ann', 'north');
select ok(core.log_error('ticket.create', '23505', 'duplicate', '{"ticket": 7, "api_key": "whisper"}') > 0, 'an error gets a number');
select tests.act_as_admin();
select results_eq(
    $$ select tenant_id, user_id, action, sqlstate, message, context from core.error_events $$,
    $$ values (tests.id('north'), tests.id('ann'), 'ticket.create', '23505', 'duplicate', '{"ticket": 7, "api_key": "[redacted]"}'::jsonb) $$,
    'with person, tenant and what was known, the secret left out');
delete from core.error_events;

select tests.act_as('app_worker');
select lives_ok($$ select core.log_error('mail.send', null, 'postgresql://app:whisper@db/app refused', null) $$, 'a worker reports too, without a code');
select lives_ok($$ select core.log_error('big', null, repeat('x', 9000), jsonb_build_object('blob', repeat('x', 20000))) $$, 'long texts do not fail');
select tests.act_as_admin();
select results_eq($$ select tenant_id, message, context from core.error_events where action = 'mail.send' $$, $$ values (null::uuid, 'postgresql://app:[redacted]@db/app refused', '{}'::jsonb) $$, 'the password of a connection string is taken out');
select results_eq($$ select length(message), context ? 'left_out' from core.error_events where action = 'big' $$, $$ values (4000, true) $$, 'they are cut');

select tests.act_as('app_user', 'ann', 'north');
select throws_ok(format($$ select core.log_error(%L, %L, %L, %L) $$, input.action, input.code, input.message, input.context), 'PT400', 'bad_request', 'refused: ' || input.what)
  from (values ('no action', '', null, 'm', '{}'), ('no message', 'a', null, null, '{}'), ('a code that is none', 'a', 'oops!', 'm', '{}'), ('a context that is a list', 'a', null, 'm', '[]'))
    as input (what, action, code, message, context);
select throws_ok($$ select from core.error_events $$, '42501', 'permission denied for table error_events', 'who reports does not read');
select tests.act_as('app_anon');
select throws_ok($$ select core.log_error('a', null, 'm') $$, '42501', 'permission denied for function log_error', 'nobody unknown fills the table');
select tests.act_as('app_renter');
select lives_ok($$ select core.log_error('portal', 'PT403', 'm') $$, 'a renter''s portal reports');

select * from finish();
rollback;

-- core.schema_migrations: the ledger as SQL sees it.
begin;
select plan(3);

insert into dbkit.migrations (line, version, name, checksum, depends_on, transactional, state, applied_by, applied_at, execution_ms, tool_version)
values ('tests', '20260101000000', 'tests_one', 'abc', '{}', true, 'applied', 'me', now(), 7, 'x');

select results_eq(
    $$ select line, version, name, checksum, transactional, applied_at, execution_ms, rolled_back_at from core.schema_migrations where line = 'tests' $$,
    $$ values ('tests', '20260101000000', 'tests_one', 'abc', true, now(), 7, null::timestamptz) $$,
    'what the runner recorded');
select is(
    (select reloptions from pg_class where oid = 'core.schema_migrations'::regclass), array['security_invoker=true'], 'read with the rights of the reader');
select tests.act_as('app_user');
select throws_ok($$ select from core.schema_migrations $$, '42501', 'permission denied for view schema_migrations', 'not by application roles');

select * from finish();
rollback;

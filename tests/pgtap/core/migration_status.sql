-- core.migration_status: one row a module.
begin;
select plan(5);

delete from dbkit.migrations;
insert into dbkit.migrations (line, version, name, checksum, state, tool_version, rolled_back_at)
values ('core', '20260101000000', 'a', 'x', 'applied', '1', null), ('core', '20260102000000', 'b', 'x', 'baseline', '1', null), ('core', '20260103000000', 'c', 'x', 'partial', '1', null),
       ('rental', '20260101000100', 'd', 'x', 'applied', '1', null), ('rental', '20260102000100', 'e', 'x', 'reverted', '1', now()), ('rental', '20260103000100', 'f', 'x', 'reverting', '1', null);

select tests.act_as('app_monitor');
select results_eq($$ select line, applied, unfinished, reverted, newest_version from core.migration_status $$,
    $$ values ('core', 2::bigint, 1::bigint, 0::bigint, '20260102000000'), ('rental', 1, 1, 1, '20260101000100') $$, 'what stopped half-way is not applied');
select isnt_empty($$ select from core.schema_migrations $$, 'the single migrations can be read too');
select throws_ok($$ delete from dbkit.migrations $$, '42501', 'permission denied for table migrations', 'and not changed');
select tests.act_as('app_user');
select throws_ok($$ select from core.migration_status $$, '42501', 'permission denied for view migration_status', 'the view is for monitoring');
select throws_ok($$ select from dbkit.migrations $$, '42501', 'permission denied for schema dbkit', 'and the ledger is the runner''s');

select * from finish();
rollback;

-- core.rls_coverage: no table of ours is without row security, and one that were would show.
begin;
select plan(7);

select tests.act_as('app_monitor');
select is_empty(
    $$ select schema_name, table_name from core.rls_coverage where not (rls_enabled and rls_forced and policy_count > 0) $$,
    'every table has row security enabled, forced and at least one policy');
select isnt_empty($$ select from core.rls_coverage where schema_name = 'core' $$, 'and there are tables');
select results_eq(
    $$ select rls_enabled, rls_forced, policy_count, commands_without_policy from core.rls_coverage where schema_name = 'core' and table_name = 'users' $$,
    $$ values (true, true, 3, array['insert', 'delete']) $$,
    'users are selected and updated only');
select results_eq(
    $$ select commands_without_policy from core.rls_coverage where schema_name = 'core' and table_name = 'context_keys' $$,
    $$ values (array['select', 'insert', 'update', 'delete']) $$,
    'a closed table has no command');

select tests.act_as_admin();
create table core.forgotten (id integer);
select tests.act_as('app_monitor');
select results_eq(
    $$ select schema_name, table_name, policy_count from core.rls_coverage where not rls_enabled $$,
    $$ values ('core'::name, 'forgotten'::name, 0) $$,
    'a forgotten table shows');
select is_empty($$ select from core.rls_coverage where schema_name in ('pg_catalog', 'information_schema') $$, 'system tables do not');
select tests.act_as('app_user');
select throws_ok($$ select from core.rls_coverage $$, '42501', 'permission denied for view rls_coverage', 'the view is for monitoring');

select * from finish();
rollback;

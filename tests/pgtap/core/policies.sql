-- What policies cost: the context is read once per statement, and the tenant's rows are reached by an index.
begin;
select plan(9);

select tests.widgets();
create function tests.plan_of(p_sql text) returns text
    language plpgsql
as $$
declare
    v_line text;
    v_plan text := '';
begin
    for v_line in execute 'explain ' || p_sql loop
        v_plan := v_plan || v_line || e'\n';
    end loop;
    return v_plan;
end
$$;
create function tests.calls(p_function text) returns bigint
    language sql
return coalesce((select calls from pg_stat_xact_user_functions where funcid = p_function::regproc), 0);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
insert into core.widgets (tenant_id, name, size)
select tests.id(case when n % 50 = 0 then 'north' when n % 50 = 1 then 'south' else 'tenant' || n % 50 end), 'w' || n, 1 from generate_series(1, 20000) as n;
insert into core.users (id, email, name) select tests.id('user' || n), 'user' || n || '@example.test', 'user' from generate_series(1, 3000) as n;
insert into core.tenants (id, system, name, owner_user_id) select tests.id('many' || n), 'crm', 'many', tests.id('user' || n) from generate_series(1, 1000) as n;
insert into core.memberships (tenant_id, user_id, role_key)
select tests.id('many' || n % 1000 + 1), tests.id('user' || n), 'MEMBER' from generate_series(1, 3000) as n;
analyze core.widgets, core.users, core.tenants, core.memberships;

set local track_functions = 'all';
select tests.act_as('app_user', 'ann', 'north');
create temporary table before on commit drop as select tests.calls('core.active_tenant_id') as calls;
select is((select count(*) from core.widgets), 400::bigint, 'north has 400 of 20,000 rows');
-- In mode trusted the function is inlined: the statement reads the setting itself and calls nothing.
select is(
    tests.calls('core.active_tenant_id') - (select calls from before),
    (select case l.lanname when 'sql' then 0 else 1 end
       from pg_proc as p join pg_language as l on l.oid = p.prolang
      where p.oid = 'core.active_tenant_id'::regproc)::bigint,
    'the context was read once for all of them');
select matches(tests.plan_of('select count(*) from core.widgets'), 'InitPlan', 'as an InitPlan');
select doesnt_match(tests.plan_of('select count(*) from core.widgets'), 'Seq Scan on widgets', 'and other tenants'' rows were not touched');
select matches(tests.plan_of('update core.widgets set size = 2'), 'InitPlan', 'an update reads it the same way');
select doesnt_match(tests.plan_of('update core.widgets set size = 2'), 'Seq Scan on widgets', 'by the same index');
select doesnt_match(tests.plan_of('select id, name from core.users'), 'Seq Scan on users', 'fellows are found by the key of users');
select doesnt_match(tests.plan_of('select * from core.memberships'), 'Seq Scan on memberships', 'memberships by their indexes');
select tests.act_as_admin();
select doesnt_match(
    tests.plan_of($$ select from core.memberships as m where m.user_id = tests.id('user1') and m.tenant_id = tests.id('many2') and m.status = 'active' $$),
    'Seq Scan', 'set_context finds a membership by an index');

select * from finish();
rollback;

-- core.tg_tenant_immutable: no row moves to another tenant, whoever tries.
begin;
select plan(8);

select tests.widgets();
select tests.tenant('north', 'crm', 'bob'), tests.tenant('south', 'crm', 'bob');
insert into core.widgets (tenant_id, id, name) values (tests.id('north'), tests.id('w1'), 'w1');

select tests.act_as('app_user', 'bob', 'north');
select is(
    tests.error_of($$ update core.widgets set tenant_id = tests.id('south') $$),
    '{"code": "PT422", "message": "invalid", "detail": "A row of core.widgets cannot move to another tenant.", "hint": "{\"tenant_id\": \"cannot be changed\"}"}'::jsonb,
    'a member of both cannot move a row');
select lives_ok($$ update core.widgets set tenant_id = tests.id('north') $$, 'naming the same tenant is no move');
select throws_ok(
    $$ insert into core.widgets (tenant_id, id, name) values (tests.id('north'), tests.id('w1'), 'again')
       on conflict (tenant_id, id) do update set tenant_id = tests.id('south') $$, 'PT422', 'invalid', 'nor can an upsert');
select lives_ok(
    $$ insert into core.widgets (tenant_id, id, name) values (tests.id('north'), tests.id('w1'), 'again')
       on conflict (tenant_id, id) do update set name = excluded.name $$, 'one in place can');
select tests.act_as('app_definer');
select throws_ok($$ update core.widgets set tenant_id = tests.id('south') $$, 'PT422', 'invalid', 'definer functions cannot move it');
select tests.act_as_admin();
select throws_ok($$ update core.widgets set tenant_id = tests.id('south') $$, 'PT422', 'invalid', 'nor can a superuser');
select results_eq($$ select tenant_id, name from core.widgets $$, $$ values (tests.id('north'), 'again') $$, 'and there it still is');

-- a guard without its WHEN clause is slower, not weaker
drop trigger _100_tenant_immutable on core.widgets;
create trigger slow_guard before update on core.widgets for each row execute function core.tg_tenant_immutable('tenant_id');
select throws_ok($$ update core.widgets set tenant_id = tests.id('south') $$, 'PT422', 'invalid', 'a guard attached by hand holds too');

select * from finish();
rollback;

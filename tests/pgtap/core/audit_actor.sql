-- Who an entry names, where contexts are sealed: mode trusted believes what the application writes.
begin;

select plan(3);

select tests.tenant('north', 'crm', 'ann');

create function pg_temp.rename(p_name text) returns uuid
    language plpgsql
as $fn$
declare
    v_user uuid;
begin
    update core.tenants set name = p_name where id = tests.id('north');
    select l.user_id into v_user from core.audit_log as l where l.new_values ->> 'name' = p_name;
    return v_user;
end
$fn$;

select core.set_context(tests.id('ann'), tests.id('north'));
select is(pg_temp.rename('one'), tests.id('ann'), 'the person of a sealed context is named');
select set_config('app.seal', 'forged', true);
select is(pg_temp.rename('two'), null, 'a person written into the setting by hand is not');
select set_config('app.user_id', 'garbage', true);
select is(pg_temp.rename('three'), null, 'and garbage there keeps nothing from being written');

select * from finish();
rollback;

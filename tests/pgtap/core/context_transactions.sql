-- Context across real transactions of one connection, as behind a transaction pooler. Commits, so it needs a database of its own.
-- dbkit: isolation=database
select plan(8);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select core.ensure_context_key();

-- as an application would: in one transaction, outside of it nothing
begin;
select tests.act_as('app_user', 'ann', 'north');
select is(core.active_tenant_id(), tests.id('north'), 'the first transaction acts in north');
create temporary table stolen as
select name, current_setting(name, true) as value from unnest(array['app.user_id', 'app.tenant_id', 'app.seal']) as name;
commit;

select is(core.active_tenant_id(), null, 'after commit the tenant is gone');
select is(core.current_user_id(), null, 'and so is the person');
select is(nullif(current_setting('app.tenant_id', true), ''), null, 'the setting itself is empty');

begin;
select set_config(name, value, true) from stolen;
select is(core.active_tenant_id(), null, 'the seal of the first transaction replayed in the next opens nothing');
rollback;

select set_config(name, value, false) from stolen;
select is(core.active_tenant_id(), null, 'nor does it when it is left on the connection');
begin;
select tests.act_as('app_user', 'sue', 'south');
select is(core.active_tenant_id(), tests.id('south'), 'a new context replaces what was left');
rollback;
select is(core.active_tenant_id(), null, 'and its end uncovers nothing');

select * from finish();

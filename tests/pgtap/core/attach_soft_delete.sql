-- core.attach_soft_delete: puts a table on the soft-delete list, once or twice, by the owner of the tables.
begin;
select plan(11);

select tests.widgets();
drop trigger _400_soft_delete on core.widgets;
select tests.tenant('north', 'crm', 'ann');
insert into core.widgets (tenant_id, id, name) values (tests.id('north'), tests.id('w1'), 'w1');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.soft_delete('core.widgets', tests.id('w1')) $$, 'PT422', 'invalid', 'before, the table is not on the list');
select throws_ok($$ select core.attach_soft_delete('core.widgets', 'tenant_id', 'contacts:write') $$, '42501', 'permission denied for function attach_soft_delete', 'an application role does not put it there');
select tests.act_as('app_owner');
select lives_ok($$ select core.attach_soft_delete('core.widgets', 'tenant_id', 'tenant.delete'), core.attach_soft_delete('core.widgets', 'tenant_id', 'contacts:write') $$, 'the owner does, as often as it likes');
select throws_ok($$ select core.attach_soft_delete('core.users', 'id', 'team.manage') $$, '42703', null, 'a table needs deleted_at and deleted_by');
select tests.act_as('app_user', 'ann', 'north');
select is(core.soft_delete('core.widgets', tests.id('w1')), true, 'then rows can be deleted');
select is_empty($$ select name from core.widgets $$, 'and are gone');

-- What is deleted softly is never deleted hard, R-X-112, and its living rows are found without the dead, R-X-113.
select tests.act_as_admin();
create view pg_temp.soft as
select t.tgrelid as relid from pg_trigger as t where t.tgfoid = 'core.tg_soft_delete()'::regprocedure and not t.tgisinternal;
create view pg_temp.hard_deletable as
select s.relid::regclass::text || ' by ' || role.name as what
  from pg_temp.soft as s, unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_platform_admin']) as role (name)
 where has_table_privilege(role.name, s.relid, 'delete, truncate');
create view pg_temp.unindexed as
select s.relid::regclass::text as what from pg_temp.soft as s
 -- tenants are looked up by their id alone
 where s.relid <> 'core.tenants'::regclass
   and not exists (select from pg_index as i where i.indrelid = s.relid and pg_get_expr(i.indpred, i.indrelid) like '%deleted_at IS NULL%');
revoke delete, truncate on core.widgets from app_user, app_renter, app_anon, app_worker, app_readonly, app_platform_admin;
select isnt_empty($$ select from pg_temp.soft $$, 'there are tables that are deleted softly');
select is_empty($$ select what from pg_temp.hard_deletable $$, 'no application role deletes a row of them');
select results_eq($$ select what from pg_temp.unindexed $$, array['core.widgets'], 'a table without an index of its living rows would be named');
create index on core.widgets (tenant_id, name) where deleted_at is null;
select is_empty($$ select what from pg_temp.unindexed $$, 'each has one');
grant delete on core.widgets to app_user;
select results_eq($$ select what from pg_temp.hard_deletable $$, array['core.widgets by app_user'], 'one that may would be named');

select * from finish();
rollback;

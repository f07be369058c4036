-- core.attach_soft_delete: puts a table on the soft-delete list, once or twice, by the owner of the tables.
begin;
select plan(6);

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

select * from finish();
rollback;

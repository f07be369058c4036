-- core.restore: the counterpart of core.soft_delete; the two together are tested in soft_delete.sql.
begin;
select plan(5);

select tests.widgets();
select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
insert into core.widgets (tenant_id, id, name, deleted_at, deleted_by)
values (tests.id('north'), tests.id('w1'), 'w1', now(), tests.id('ann')), (tests.id('south'), tests.id('w2'), 'w2', now(), tests.id('sue'));

select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select name from core.widgets $$, 'a deleted row is hidden');
select is(core.restore('core.widgets', tests.id('w1')), true, 'it is brought back');
select is(core.restore('core.widgets', tests.id('w2')), false, 'a foreign one is not');
select results_eq($$ select name, deleted_at, deleted_by from core.widgets $$, $$ values ('w1', null::timestamptz, null::uuid) $$, 'without a trace of its deletion');
select tests.act_as_admin();
select is((select deleted_by from core.widgets where id = tests.id('w2')), tests.id('sue'), 'the foreign one is untouched');

select * from finish();
rollback;

-- core.attach_touch: installed once or twice, by the owner of the tables.
begin;
select plan(5);

select tests.widgets();
drop trigger _300_touch_updated_at on core.widgets;
insert into core.widgets (tenant_id, name) values (tests.id('north'), 'w1');
update core.widgets set name = 'W1';
select is((select updated_at from core.widgets), '2000-01-01'::timestamptz, 'before, nothing touches updated_at');
select tests.act_as('app_owner');
select lives_ok($$ select core.attach_touch('core.widgets') $$, 'the owner attaches the trigger');
select lives_ok($$ select core.attach_touch('core.widgets') $$, 'attaching again is no error');
update core.widgets set name = 'w1';
select is((select updated_at from core.widgets), now(), 'which touches it');
select tests.act_as('app_user');
select throws_ok($$ select core.attach_touch('core.widgets') $$, '42501', 'permission denied for function attach_touch', 'an application role attaches nothing');

select * from finish();
rollback;

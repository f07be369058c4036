-- core.tg_touch_updated_at: updated_at is the start of the transaction that changed the row.
begin;
select plan(3);

select tests.widgets();
select tests.tenant('north', 'crm', 'ann');
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ insert into core.widgets (tenant_id, name) values (tests.id('north'), 'w1') returning updated_at $$, $$ values (timestamptz '2000-01-01') $$, 'an insert keeps the default');
select results_eq($$ update core.widgets set name = 'W1' returning updated_at $$, $$ values (now()) $$, 'an update touches it');
select results_eq($$ update core.widgets set updated_at = '1999-01-01' returning updated_at $$, $$ values (now()) $$, 'whatever the statement says');

select * from finish();
rollback;

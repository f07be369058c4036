-- core.tg_bump_version: the version counts updates.
begin;
select plan(4);

select tests.widgets();
select tests.tenant('north', 'crm', 'ann');
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ insert into core.widgets (tenant_id, name) values (tests.id('north'), 'w1') returning version $$, $$ values (0) $$, 'a row begins with version 0');
select results_eq($$ update core.widgets set name = 'W1' returning version $$, $$ values (1) $$, 'an update counts');
select results_eq($$ update core.widgets set version = 40 returning version $$, $$ values (2) $$, 'by one, whatever the statement says');
select results_eq($$ update core.widgets set name = name returning version $$, $$ values (3) $$, 'even when it changes nothing');

select * from finish();
rollback;

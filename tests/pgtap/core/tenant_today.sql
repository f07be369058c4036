-- core.tenant_today: the day of the tenant, not of the server.
begin;
select plan(5);

select tests.tenant('kiritimati', 'crm', 'ann'), tests.tenant('niue', 'crm', 'sue'), tests.tenant('nowhere', 'crm', 'bob');
update core.tenants set timezone = 'Pacific/Kiritimati' where id = tests.id('kiritimati');
update core.tenants set timezone = 'Pacific/Niue' where id = tests.id('niue');
update core.tenants set timezone = 'Middle/Earth' where id = tests.id('nowhere');

select tests.act_as('app_definer');
select is(core.tenant_today(tests.id('kiritimati')), (clock_timestamp() at time zone 'Pacific/Kiritimati')::date, 'fourteen hours ahead');
-- the two zones are 25 hours apart, so their days always differ
select isnt(core.tenant_today(tests.id('kiritimati')), core.tenant_today(tests.id('niue')), 'eleven behind it is another day');
select is(core.tenant_today(tests.id('nowhere')), (clock_timestamp() at time zone 'UTC')::date, 'a zone nobody knows is UTC');
select is(core.tenant_today(tests.id('nobody')), (clock_timestamp() at time zone 'UTC')::date, 'and so is a tenant nobody knows');
select tests.act_as('app_user');
select throws_ok($$ select core.tenant_today(tests.id('niue')) $$, '42501', 'permission denied for function tenant_today', 'for functions only');

select * from finish();
rollback;

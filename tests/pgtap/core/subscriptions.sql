-- core.subscriptions: members see what their tenant has, nobody writes it.
begin;
select plan(10);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob', 'VIEWER');
insert into core.subscriptions (tenant_id, system, tier_key, status, external_customer_id)
values (tests.id('north'), 'crm', 'PRO', 'active', 'customer-1'), (tests.id('south'), 'crm', 'FREE', 'active', 'customer-2');

select tests.act_as('app_user', 'bob', 'north');
select results_eq($$ select tenant_id, tier_key from core.subscriptions $$, $$ values (tests.id('north'), 'PRO') $$, 'a member of north sees what north has');
select throws_ok($$ select external_customer_id from core.subscriptions $$, '42501', 'permission denied for table subscriptions', 'but not the id at the payment provider');
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ update core.subscriptions set tier_key = 'ENTERPRISE' $$, '42501', 'permission denied for table subscriptions', 'an owner cannot upgrade by hand');
select throws_ok($$ insert into core.subscriptions (tenant_id, system, tier_key) values (tests.id('north'), 'crm', 'PRO') $$,
    '42501', 'permission denied for table subscriptions', 'nor insert');
select throws_ok($$ delete from core.subscriptions $$, '42501', 'permission denied for table subscriptions', 'nor delete');
select tests.act_as('app_user');
select is_empty($$ select tenant_id from core.subscriptions $$, 'without context nothing is visible');

select tests.act_as_admin();
select throws_ok($$ update core.subscriptions set status = 'unpaid' $$, '23514', null, 'an unknown status is refused');
select throws_ok($$ update core.subscriptions set tier_key = 'GIFT' $$, '23503', null, 'an unknown tier too');
-- 23001 from PostgreSQL 18 on
select matches(tests.error_of($$ delete from core.subscription_tiers where key = 'PRO' $$) ->> 'code', '^(23503|23001)$', 'a tier in use stays');
select throws_ok($$ update core.subscriptions set tenant_id = tests.id('nowhere') where tier_key = 'PRO' $$, 'PT422', 'invalid', 'a subscription never moves');

select * from finish();
rollback;

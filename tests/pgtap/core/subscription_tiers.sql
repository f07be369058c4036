-- core.subscription_tiers: reference data, the same for everybody signed in and written by nobody.
begin;
select plan(8);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

create temporary table expected on commit drop as select * from core.subscription_tiers;
grant select on expected to app_user, app_readonly;

select tests.act_as('app_user', 'ann', 'north');
select isnt_empty($$ select from core.subscription_tiers $$, 'an owner of north reads the seeded rows');
select results_eq(
    $$ select * from core.subscription_tiers order by system, key $$,
    $$ select * from expected order by system, key $$,
    'all of them');
select throws_ok(
    $$ insert into core.subscription_tiers (system, key, name, rank) values ('crm', 'GIFT', 'Gift', 99) $$,
    '42501', 'permission denied for table subscription_tiers', 'but adds none');
select throws_ok($$ delete from core.subscription_tiers $$, '42501', 'permission denied for table subscription_tiers', 'and removes none');
select tests.act_as('app_readonly', 'sue', 'south');
select results_eq(
    $$ select * from core.subscription_tiers order by system, key $$,
    $$ select * from expected order by system, key $$,
    'a report of south reads the same rows');
select tests.act_as('app_anon');
select throws_ok($$ select from core.subscription_tiers $$, '42501', 'permission denied for table subscription_tiers', 'before sign-in nothing is read');
select tests.act_as('app_definer');
select lives_ok(
    $$ insert into core.subscription_tiers (system, key, name, rank) values ('crm', 'GIFT', 'Gift', 99) $$,
    'seeds and definer functions do add rows');

select tests.act_as_admin();
select throws_ok($$ update core.subscription_tiers set monthly_price = -1 $$, '23514', null, 'no tier has a negative price');

select * from finish();
rollback;

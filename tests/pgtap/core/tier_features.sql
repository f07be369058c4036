-- core.tier_features: reference data, the same for everybody signed in and written by nobody.
begin;
select plan(8);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

create temporary table expected on commit drop as select * from core.tier_features;
grant select on expected to app_user, app_readonly;

select tests.act_as('app_user', 'ann', 'north');
select isnt_empty($$ select from core.tier_features $$, 'an owner of north reads the seeded rows');
select results_eq(
    $$ select * from core.tier_features order by system, tier_key, feature_key $$,
    $$ select * from expected order by system, tier_key, feature_key $$,
    'all of them');
select throws_ok(
    $$ insert into core.tier_features (system, tier_key, feature_key) values ('crm', 'FREE', 'crm') $$,
    '42501', 'permission denied for table tier_features', 'but adds none');
select throws_ok($$ delete from core.tier_features $$, '42501', 'permission denied for table tier_features', 'and removes none');
select tests.act_as('app_readonly', 'sue', 'south');
select results_eq(
    $$ select * from core.tier_features order by system, tier_key, feature_key $$,
    $$ select * from expected order by system, tier_key, feature_key $$,
    'a report of south reads the same rows');
select tests.act_as('app_anon');
select throws_ok($$ select from core.tier_features $$, '42501', 'permission denied for table tier_features', 'before sign-in nothing is read');
select tests.act_as('app_definer');
select lives_ok(
    $$ insert into core.tier_features (system, tier_key, feature_key) values ('crm', 'FREE', 'crm') $$,
    'seeds and definer functions do add rows');

select tests.act_as_admin();
select throws_ok($$ insert into core.tier_features (system, tier_key, feature_key) values ('crm', 'GIFT', 'crm') $$, '23503', null,
    'a tier has to exist to include something');

select * from finish();
rollback;

-- core.features: reference data, the same for everybody signed in and written by nobody.
begin;
select plan(7);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

create temporary table expected on commit drop as select * from core.features;
grant select on expected to app_user, app_readonly;

select tests.act_as('app_user', 'ann', 'north');
select isnt_empty($$ select from core.features $$, 'an owner of north reads the seeded rows');
select results_eq(
    $$ select * from core.features order by key $$,
    $$ select * from expected order by key $$,
    'all of them');
select throws_ok(
    $$ insert into core.features (key, description) values ('x', 'x') $$,
    '42501', 'permission denied for table features', 'but adds none');
select throws_ok($$ delete from core.features $$, '42501', 'permission denied for table features', 'and removes none');
select tests.act_as('app_readonly', 'sue', 'south');
select results_eq(
    $$ select * from core.features order by key $$,
    $$ select * from expected order by key $$,
    'a report of south reads the same rows');
select tests.act_as('app_anon');
select throws_ok($$ select from core.features $$, '42501', 'permission denied for table features', 'before sign-in nothing is read');
select tests.act_as('app_definer');
select lives_ok(
    $$ insert into core.features (key, description) values ('x', 'x') $$,
    'seeds and definer functions do add rows');

select * from finish();
rollback;

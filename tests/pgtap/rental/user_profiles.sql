-- rental.user_profiles: everyone's own profile, and the role is not theirs to change.
begin;
select plan(16);

select tests.landlord('north'), tests.landlord('south');

select throws_ok(
    $$ update rental.user_profiles set role = 'KING' where user_id = tests.id('north') $$,
    '23514', null, 'an unknown role is refused');
select throws_ok(
    $$ update rental.user_profiles set onboarding_completed = false where user_id = tests.id('north') $$,
    '23514', null, 'onboarding is completed exactly when its step is done');
select lives_ok(
    $$ update rental.user_profiles set onboarding_completed = false, onboarding_step = 'company' where user_id = tests.id('north') $$,
    'both columns together may change');

select tests.act_as('app_user', 'north');
select results_eq($$ select company_name from rental.user_profiles $$, $$ values ('north Homes') $$,
    'a user sees own profile and no other, in no tenant');
select results_eq(
    $$ update rental.user_profiles set company_name = 'North Star' returning company_name $$,
    $$ values ('North Star') $$,
    'a user renames own company, and an update without a filter reaches nobody else');
select is_empty(
    $$ update rental.user_profiles set company_name = 'x' where user_id = tests.id('south') returning user_id $$,
    'a user renames nobody else''s company');
select throws_ok(
    $$ update rental.user_profiles set role = 'ADMIN' $$,
    '42501', 'permission denied for table user_profiles', 'a user does not change own role');
select throws_ok(
    $$ update rental.user_profiles set onboarding_step = 'done', onboarding_completed = true $$,
    '42501', 'permission denied for table user_profiles', 'a user does not skip the wizard');
select throws_ok(
    $$ insert into rental.user_profiles (user_id, role) values (tests.id('north'), 'ADMIN') $$,
    '42501', 'permission denied for table user_profiles', 'a user makes no profile');
select throws_ok(
    $$ delete from rental.user_profiles $$,
    '42501', 'permission denied for table user_profiles', 'a user deletes no profile');

select tests.act_as('app_user');
select is_empty($$ select user_id from rental.user_profiles $$, 'nobody signed in, no profile');

-- An update that reads nothing is not narrowed by the policy for reading.
select tests.act_as('app_user', 'north');
select lives_ok($$ update rental.user_profiles set company_name = 'Blind' $$, 'a blind update is fine');
select tests.act_as_admin();
grant update (user_id) on rental.user_profiles to app_user;
select tests.act_as('app_user', 'north');
select throws_ok(
    $$ update rental.user_profiles set user_id = tests.id('south') $$,
    '42501', 'new row violates row-level security policy for table "user_profiles"',
    'even with a grant a profile is not given to another');
select tests.act_as_admin();
select results_eq(
    $$ select company_name from rental.user_profiles where user_id = tests.id('north') $$,
    $$ values ('Blind') $$,
    'and reaches the own profile');
select results_eq(
    $$ select company_name from rental.user_profiles where user_id = tests.id('south') $$,
    $$ values ('south Homes') $$,
    'south''s profile is as it was');
select tests.person('guest');
insert into rental.user_profiles (user_id) values (tests.id('guest'));
delete from core.users where id = tests.id('guest');
select is_empty($$ select user_id from rental.user_profiles where user_id = tests.id('guest') $$, 'a profile goes with its user');

select * from finish();
rollback;

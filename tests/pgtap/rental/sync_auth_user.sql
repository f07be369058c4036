-- rental.sync_auth_user: the webhook may come twice.
begin;
select plan(9);

select tests.act_as('app_worker');
select results_eq(
    $$ select auth_subject, email::text, name from rental.sync_auth_user('auth|1', 'Ann@Example.test', 'Ann') $$,
    $$ values ('auth|1', 'ann@example.test', 'Ann') $$,
    'the first call makes the user');
select results_eq(
    $$ select auth_subject, email::text, name from rental.sync_auth_user('auth|1', 'ann@example.test', 'Ann Smith') $$,
    $$ values ('auth|1', 'ann@example.test', 'Ann Smith') $$,
    'the second call updates it');
select throws_ok($$ select rental.sync_auth_user('auth|2', 'not an address', 'x') $$, 'PT422', 'invalid', 'a user has an address');
select throws_ok($$ select rental.sync_auth_user('auth|2', 'ann@example.test', 'x') $$, 'PT409', 'conflict', 'an address is one user''s');

select tests.act_as_admin();
select results_eq(
    $$ select u.name, p.role, p.onboarding_step
         from core.users as u
         join rental.user_profiles as p
           on p.user_id = u.id
        where u.auth_subject like 'auth|%' $$,
    $$ values ('Ann Smith', 'TENANT', 'account') $$,
    'there is one user, with one profile, which is not a landlord''s');

-- A later webhook leaves what the user has become.
update rental.user_profiles as p
   set role = 'OWNER', onboarding_step = 'company'
  from core.users as u
 where u.id = p.user_id
   and u.auth_subject = 'auth|1';
select tests.act_as('app_worker');
select lives_ok($$ select rental.sync_auth_user('auth|1', 'ann@example.test', 'Ann Smith') $$, 'a third call is fine');
select tests.act_as_admin();
select results_eq(
    $$ select p.role from rental.user_profiles as p join core.users as u on u.id = p.user_id where u.auth_subject = 'auth|1' $$,
    $$ values ('OWNER') $$,
    'and does not take the landlord''s role away');

select tests.act_as('app_user');
select throws_ok($$ select rental.sync_auth_user('auth|3', 'bob@example.test', 'Bob') $$,
    '42501', 'permission denied for function sync_auth_user', 'the app does not sync users');
select tests.act_as('app_anon');
select throws_ok($$ select rental.sync_auth_user('auth|3', 'bob@example.test', 'Bob') $$,
    '42501', null, 'and nobody does before signing in');

select * from finish();
rollback;

-- core.upsert_user: one person per subject; only the person or the provider's webhook changes them.
begin;
select plan(23);

select tests.person('ann'), tests.person('sue');

-- first request: no context yet
select tests.act_as('app_user');
select results_eq(
    $$ select auth_subject, email::text, name, avatar_url, platform_role, is_active from core.upsert_user('subject-new', 'New@Example.test', 'New', 'https://img.test/1') $$,
    $$ values ('subject-new', 'new@example.test', 'New', 'https://img.test/1', 'user', true) $$,
    'the first request creates the person, the address in lower case');
select is(
    (select id from core.upsert_user('subject-new', 'new@example.test', 'New')),
    (select id from core.upsert_user('subject-new', 'new@example.test', 'New')),
    'the next ones find it');
select is((select name from core.upsert_user('subject-ann', 'ann@example.test', 'Changed')), 'ann', 'without context nothing is changed');
select is((select email::text from core.upsert_user('subject-ann', 'other@example.test', 'Changed')), 'ann@example.test', 'least an address');
select is(
    tests.error_of($$ select core.upsert_user('subject-evil', 'ann@example.test', 'Evil') $$),
    '{"code": "PT409", "message": "conflict", "detail": "This e-mail address belongs to another account.", "hint": "{\"email\": \"already in use\"}"}'::jsonb,
    'an address in use gives no access to its account');

-- own account
select tests.act_as('app_user', 'ann');
select results_eq(
    $$ select name, email::text, avatar_url from core.upsert_user('subject-ann', 'Ann2@example.test', 'Ann', 'https://img.test/2') $$,
    $$ values ('Ann', 'ann2@example.test', 'https://img.test/2') $$,
    'a signed-in person updates the own account');
select is((select avatar_url from core.upsert_user('subject-ann', 'ann2@example.test', 'Ann')), 'https://img.test/2', 'no picture given keeps the old one');
select throws_ok($$ select core.upsert_user('subject-sue', 'sue@example.test', 'mine') $$, 'PT403', 'forbidden', 'but nobody else''s');
select is(
    tests.error_of($$ select core.upsert_user('subject-none', 'none@example.test', 'mine') $$),
    tests.error_of($$ select core.upsert_user('subject-sue', 'sue@example.test', 'mine') $$),
    'an unknown subject looks like somebody else''s');
select throws_ok($$ select core.upsert_user('subject-ann', 'sue@example.test', 'Ann') $$, 'PT409', 'conflict', 'nor takes an address in use');

-- the provider's webhook
select tests.act_as('app_worker');
select results_eq(
    $$ select name, email::text from core.upsert_user('subject-sue', 'sue2@example.test', 'Sue') $$,
    $$ values ('Sue', 'sue2@example.test') $$,
    'the webhook updates anybody');
select results_eq($$ select name from core.upsert_user('subject-hook', 'hook@example.test', 'Hook') $$, $$ values ('Hook') $$, 'and creates');
select throws_ok($$ select core.upsert_user('subject-hook', 'sue2@example.test', 'Hook') $$, 'PT409', 'conflict', 'not over another account''s address');

select tests.act_as_admin();
select is((select count(*) from core.users where auth_subject in ('subject-new', 'subject-ann', 'subject-sue', 'subject-hook', 'subject-evil', 'subject-none')), 4::bigint,
    'four persons were meant and four there are');
select is((select name from core.users where id = tests.id('sue')), 'Sue', 'and sue is as the webhook left her');

-- writes only when something changed
create temporary table before on commit drop as select xmin::text as version from core.users where id = tests.id('sue');
select tests.act_as('app_worker');
select core.upsert_user('subject-sue', 'sue2@example.test', 'Sue') is not null as done;
reset role;
select is((select xmin::text from core.users where id = tests.id('sue')), (select version from before), 'repeating the same writes no row');
update core.users set is_active = false where id = tests.id('sue');
set local role app_worker;
select is((select is_active from core.upsert_user('subject-sue', 'sue2@example.test', 'Sue')), false, 'a deactivated person stays so');

-- input
select throws_ok(format($$ select core.upsert_user(%L, %L, %L) $$, input.subject, input.email, input.name), 'PT422', 'invalid', 'refused: ' || input.what)
  from (values
    ('no subject', null, 'x@example.test', 'x'), ('an empty subject', '', 'x@example.test', 'x'),
    ('no name', 's', 'x@example.test', null), ('no address', 's', null, 'x'), ('a malformed address', 's', 'x@', 'x')
  ) as input (what, subject, email, name);
select tests.act_as('app_anon');
select throws_ok($$ select core.upsert_user('s', 'x@example.test', 'x') $$, '42501', 'permission denied for function upsert_user', 'not before sign-in');

select * from finish();
rollback;

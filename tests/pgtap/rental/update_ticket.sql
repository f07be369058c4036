-- rental.update_ticket: the landlord's change, unless somebody was faster.
begin;
select plan(11);

select tests.landlord('north'), tests.landlord('south');
select tests.ticket('north', 'tap'), tests.ticket('south', 'roof');
insert into rental.contractors (owner_user_id, id, name)
values (tests.id('north'), tests.id('plumber'), 'Plumber'), (tests.id('south'), tests.id('roofer'), 'Roofer');

select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ select title, status, contractor_id, version
         from rental.update_ticket(tests.id('tap'), jsonb_build_object('status', 'IN_PROGRESS', 'contractor_id', tests.id('plumber')), 0) $$,
    $$ values ('tap', 'IN_PROGRESS', tests.id('plumber'), 1) $$,
    'the named columns change and the version moves');
select throws_ok($$ select rental.update_ticket(tests.id('tap'), '{"status": "CLOSED"}', 0) $$,
    'PT409', 'version_conflict', 'who read version 0 does not overwrite version 1');
select is(
    (tests.error_of($$ select rental.update_ticket(tests.id('tap'), '{"status": "CLOSED"}', 0) $$) ->> 'hint')::jsonb,
    '{"version": 1}'::jsonb,
    'and is told the current version');
select results_eq(
    $$ select status, version from rental.update_ticket(tests.id('tap'), '{"status": "CLOSED"}', 1) $$,
    $$ values ('CLOSED', 2) $$,
    'who read version 1 goes on');
select throws_ok($$ select rental.update_ticket(tests.id('tap'), '{"tenant_id": null}', 2) $$,
    'PT422', 'invalid', 'other columns are not changed');
select throws_ok($$ select rental.update_ticket(tests.id('tap'), '{"status": "DONE"}', 2) $$, '23514', null, 'an unknown status is refused');
select throws_ok(
    $$ select rental.update_ticket(tests.id('tap'), jsonb_build_object('contractor_id', tests.id('roofer')), 2) $$,
    '23503', null, 'a contractor of south is refused');
select throws_ok($$ select rental.update_ticket(tests.id('roof'), '{"status": "CLOSED"}', 0) $$,
    'PT403', 'forbidden', 'south''s ticket is refused');
select throws_ok($$ select rental.update_ticket(gen_random_uuid(), '{"status": "CLOSED"}', 0) $$,
    'PT403', 'forbidden', 'and so is a missing one');

select tests.act_as('app_user');
select throws_ok($$ select rental.update_ticket(tests.id('tap'), '{"status": "OPEN"}', 2) $$,
    'PT401', 'unauthenticated', 'nobody signed in changes no ticket');
select tests.act_as_admin();
select results_eq(
    $$ select status, version from rental.tickets where id = tests.id('roof') $$,
    $$ values ('OPEN', 0) $$,
    'south''s ticket is as it was');

select * from finish();
rollback;

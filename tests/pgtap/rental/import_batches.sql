-- rental.import_batches: landlords follow their own imports.
begin;
select plan(9);

select tests.landlord('north'), tests.landlord('south'), tests.member('north', 'helper', 'TENANT');
insert into rental.import_batches (owner_user_id, id, kind)
values (tests.id('north'), tests.id('import n'), 'tenants'), (tests.id('south'), tests.id('import s'), 'units');

select throws_ok($$ update rental.import_batches set kind = 'cars' $$, '23514', null, 'an unknown kind is refused');
select throws_ok($$ update rental.import_batches set status = 'lost' $$, '23514', null, 'an unknown status is refused');

select tests.act_as('app_user', 'north', 'north');
select results_eq($$ select kind from rental.import_batches $$, $$ values ('tenants') $$,
    'north sees imports of north and no others');
select lives_ok(
    $$ insert into rental.import_batches (owner_user_id, kind) values (tests.id('north'), 'units') $$,
    'north adds an import');
select throws_ok(
    $$ insert into rental.import_batches (owner_user_id, kind) values (tests.id('south'), 'units') $$,
    '42501', 'new row violates row-level security policy for table "import_batches"',
    'north adds no import to south');
select results_eq(
    $$ update rental.import_batches set status = 'completed' where id = tests.id('import n') returning status $$,
    $$ values ('completed') $$,
    'north completes an own import');
select is_empty(
    $$ update rental.import_batches set status = 'completed' where id = tests.id('import s') returning id $$,
    'north completes no import of south');
select tests.act_as('app_user', 'helper', 'north');
select is_empty($$ delete from rental.import_batches returning id $$, 'a member below administrator deletes none');
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ with gone as (delete from rental.import_batches returning 1) select count(*) from gone $$,
    $$ values (2::bigint) $$,
    'a delete without a filter deletes the imports of north only');

select * from finish();
rollback;

-- rental.import_errors: a log that landlords read and nobody edits.
begin;
select plan(7);

select tests.landlord('north'), tests.landlord('south'), tests.member('north', 'helper', 'TENANT');
insert into rental.import_batches (owner_user_id, id, kind)
values (tests.id('north'), tests.id('import n'), 'tenants'), (tests.id('south'), tests.id('import s'), 'tenants');
insert into rental.import_errors (owner_user_id, batch_id, row_no, email, error)
values (tests.id('north'), tests.id('import n'), 7, 'not an address', 'email is not an e-mail address'),
       (tests.id('south'), tests.id('import s'), 9, null, 'first_name must not be empty');

select tests.act_as('app_user', 'north', 'north');
select results_eq($$ select row_no from rental.import_errors $$, $$ values (7) $$,
    'north sees the errors of north and no others');
select throws_ok(
    $$ insert into rental.import_errors (owner_user_id, batch_id, row_no, error)
       values (tests.id('north'), tests.id('import n'), 8, 'x') $$,
    '42501', 'permission denied for table import_errors', 'a landlord writes no log');
select throws_ok(
    $$ update rental.import_errors set error = 'none' $$,
    '42501', 'permission denied for table import_errors', 'a landlord edits no log');
select throws_ok(
    $$ delete from rental.import_errors $$,
    '42501', 'permission denied for table import_errors', 'a landlord empties no log');

select tests.act_as('app_user', 'helper', 'north');
select is_empty($$ select row_no from rental.import_errors $$, 'a member without audit.view sees no log');

select tests.act_as('app_definer');
select lives_ok(
    $$ insert into rental.import_errors (owner_user_id, batch_id, row_no, error)
       values (tests.id('north'), tests.id('import n'), 8, 'x') $$,
    'the import functions write the log');

select tests.act_as_admin();
delete from rental.import_batches where id = tests.id('import n');
select results_eq($$ select row_no from rental.import_errors $$, $$ values (9) $$, 'errors go with their batch');

select * from finish();
rollback;

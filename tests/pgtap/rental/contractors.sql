-- rental.contractors: each landlord has an address book of their own.
begin;
select plan(9);

select tests.landlord('north'), tests.landlord('south'), tests.member('north', 'helper', 'TENANT');
insert into rental.contractors (owner_user_id, id, name)
values (tests.id('north'), tests.id('plumber'), 'Plumber'), (tests.id('south'), tests.id('roofer'), 'Roofer');

select tests.act_as('app_user', 'north', 'north');
select results_eq($$ select name from rental.contractors $$, $$ values ('Plumber') $$,
    'north sees the contractors of north and no others');
select lives_ok(
    $$ insert into rental.contractors (owner_user_id, name, trade) values (tests.id('north'), 'Painter', 'painter') $$,
    'north adds a contractor');
select throws_ok(
    $$ insert into rental.contractors (owner_user_id, name) values (tests.id('south'), 'Painter') $$,
    '42501', 'new row violates row-level security policy for table "contractors"',
    'north adds no contractor to south');
select results_eq(
    $$ update rental.contractors set is_active = false where id = tests.id('plumber') returning is_active $$,
    $$ values (false) $$,
    'north changes an own contractor');
select is_empty(
    $$ update rental.contractors set is_active = false where id = tests.id('roofer') returning id $$,
    'north changes no contractor of south');
select is_empty(
    $$ delete from rental.contractors where id = tests.id('roofer') returning id $$,
    'north deletes no contractor of south');

select tests.act_as('app_user', 'helper', 'north');
select results_eq($$ select count(*) from rental.contractors $$, $$ values (2::bigint) $$,
    'a member of north''s tenant sees its contractors');
select is_empty($$ delete from rental.contractors returning id $$,
    'a member below administrator deletes none');
select tests.act_as('app_user', 'north', 'north');
select results_eq(
    $$ delete from rental.contractors where id = tests.id('plumber') returning name $$,
    $$ values ('Plumber') $$,
    'the landlord deletes an own contractor');

select * from finish();
rollback;

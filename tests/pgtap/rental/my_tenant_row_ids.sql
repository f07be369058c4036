-- rental.my_tenant_row_ids: the caller's own rows, whoever the landlord is.
begin;
select plan(5);

select tests.landlord('north'), tests.landlord('south');
select tests.renter('north', 'rita'), tests.renter('south', 'rita'), tests.renter('north', 'rob'),
       tests.renter('north', 'nologin', null, false);

select tests.act_as('app_renter', 'rita');
select set_eq(
    $$ select unnest(rental.my_tenant_row_ids()) $$,
    $$ values (tests.id('north/rita')), (tests.id('south/rita')) $$,
    'a renter of two landlords has a row at each');
select tests.act_as('app_renter', 'rob');
select is(rental.my_tenant_row_ids(), array[tests.id('north/rob')], 'another renter has another row');
select tests.act_as('app_renter', 'north', 'north');
select is(rental.my_tenant_row_ids(), '{}'::uuid[], 'a landlord is no renter of their own');
select tests.act_as('app_renter');
select is(rental.my_tenant_row_ids(), '{}'::uuid[], 'nobody signed in has no rows, and renters without a login are not theirs');
select tests.act_as('app_user', 'rita');
select throws_ok(
    $$ select rental.my_tenant_row_ids() $$,
    '42501', 'permission denied for function my_tenant_row_ids', 'the helper is for the renters'' policies');

select * from finish();
rollback;

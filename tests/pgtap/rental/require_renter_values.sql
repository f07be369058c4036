-- rental.require_renter_values: says in words what the CHECKs of rental.tenants would refuse.
begin;
select plan(14);

select tests.landlord('north');
select tests.renter('north', 'rita');

select tests.act_as('app_user', 'north', 'north');
select lives_ok($$ select rental.require_renter_values('{"first_name": "A", "last_name": "B", "email": "A.B@Example.test", "phone": "+1 202 555 0123"}') $$,
    'good values pass');
select lives_ok($$ select rental.require_renter_values('{"phone": null}') $$, 'no phone passes');
select lives_ok($$ select rental.require_renter_values('{}') $$, 'what is not named is not looked at');

select is(
    (tests.error_of(format('select rental.require_renter_values(%L)', v.bad)) ->> 'hint')::jsonb,
    v.hint::jsonb,
    v.bad || ' is refused by name')
  from (values
      ('{"first_name": ""}', '{"first_name": "must not be empty"}'),
      ('{"first_name": null}', '{"first_name": "must not be empty"}'),
      ('{"last_name": ""}', '{"last_name": "must not be empty"}'),
      ('{"email": "a@b"}', '{"email": "is not an e-mail address"}'),
      ('{"email": "a@b.c|"}', '{"email": "is not an e-mail address"}'),
      ('{"email": null}', '{"email": "is not an e-mail address"}'),
      ('{"phone": "call me"}', '{"phone": "is not a phone number"}'),
      ('{"phone": ""}', '{"phone": "is not a phone number"}')
  ) as v (bad, hint);

-- Direct DML is as safe as the function.
select tests.act_as_admin();
select throws_ok($$ update rental.tenants set first_name = '' $$, '23514', null, 'the table refuses an empty name, too');
select throws_ok($$ update rental.tenants set email = 'a@b.c|' $$, '23514', null, 'the table refuses a bad address, too');
select throws_ok($$ update rental.tenants set phone = 'call me' $$, '23514', null, 'the table refuses a bad phone, too');

select * from finish();
rollback;
